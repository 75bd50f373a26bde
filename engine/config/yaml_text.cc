#include "config/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/units_parse.h"

namespace weir::config {

/// 0600 is another number to readers of YAML 1.1.
std::string scalar(std::string_view text, bool is_key) {
  const auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
           c == '.' || c == '%' || c == '-';
  };
  // A colon inside a word is part of it, as in an address.
  const auto word = [&](char c) { return harmless(c) || c == ':'; };
  const bool plain = !text.empty() && std::ranges::all_of(text, word) && text[0] != '-' && text[0] != '%' &&
                     text[0] != ':' && text.back() != ':' && text != "null" && text != "Null" && text != "NULL" &&
                     text.find("---") == text.npos && text.find("...") == text.npos &&
                     !(text.size() > 1 && text[0] == '0' && text.find_first_not_of("0123456789") == text.npos);
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '$' && !is_key)
      out += "$$";
    else if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + "\"";
}

std::string flow_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + scalar(text);
  return out + "]";
}

std::string breaker_to_yaml(const flow::BreakerConfig& b) {
  return fmt::format(
      "    breaker:\n      consecutive_failures: {}\n      window: {}\n      window_calls: {}\n      window_time: "
      "{}\n      minimum_calls: {}\n"
      "      failure_rate: {}\n      slow_rate: {}\n      slow_call: {}\n      open: {}\n      half_open_calls: {}\n "
      "     half_open_wait: {}\n",
      b.consecutive_failures, name(b.window), b.window_calls, to_text(b.window_time), b.minimum_calls,
      to_text_ratio(b.failure_rate), to_text_ratio(b.slow_rate), to_text(b.slow_call), to_text(b.open),
      b.half_open_calls, to_text(b.half_open_wait));
}

}  // namespace weir::config
