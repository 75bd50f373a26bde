#include "pipeline/delivery/dead_letter.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

namespace weir::pipeline {

std::string dead_letter_json(const Letter& letter) {
  const auto at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(letter.at.time_since_epoch()).count();
  const bool text = is_utf8(letter.event);
  std::string place, hex;
  if (letter.place)
    place = fmt::format(R"("place":{},"position":{},)", json_text(letter.place->name), letter.place->position);
  if (!text)
    for (const char c : letter.event) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return fmt::format(R"({{"reason":"{}","why":{},"origin":{},{}"attempts":{},"at_ms":{},"{}":{}}})", name(letter.reason),
                     json_text(letter.why), json_text(letter.origin), place, letter.attempts, at_ms,
                     text ? "event" : "event_hex", text ? json_text(letter.event) : json_text(hex));
}

}  // namespace weir::pipeline
