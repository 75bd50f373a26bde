#include "replay_letter.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

namespace weir::app {
namespace {

std::optional<std::string> from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (hex.size() % 2) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace

std::optional<Letter> LetterReader::read(std::string_view json) {
  simdjson::dom::object root;
  std::string_view reason, why, origin, event;
  if (parser_.parse(simdjson::padded_string(json)).get(root) || root["reason"].get(reason) ||
      root["origin"].get(origin))
    return std::nullopt;
  Letter letter;
  (void)root["why"].get(why);
  (void)root["attempts"].get(letter.attempts);
  (void)root["at_ms"].get(letter.at_ms);
  if (!root["event"].get(event)) {
    letter.event = event;
  } else if (!root["event_hex"].get(event)) {
    auto bytes = from_hex(event);
    if (!bytes) return std::nullopt;
    letter.event = std::move(*bytes);
  } else {
    return std::nullopt;
  }
  letter.reason = reason;
  letter.why = why;
  letter.origin = origin;
  return letter;
}

bool LetterReader::is_json(std::string_view text) {
  return parser_.parse(simdjson::padded_string(text)).error() == simdjson::SUCCESS;
}

std::string LetterReader::for_conditions(const Letter& letter) {
  return fmt::format(R"({{"reason":{},"why":{},"origin":{},"attempts":{},"at_ms":{},"event":{}}})",
                     json_text(letter.reason), json_text(letter.why), json_text(letter.origin), letter.attempts,
                     letter.at_ms, is_json(letter.event) ? letter.event : json_text(letter.event));
}

}  // namespace weir::app
