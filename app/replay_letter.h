#pragma once
/// A dead letter, parsed: the fate of an event, and the event itself, byte for byte.
///
///   {"reason":"sink_rejected","why":"...","origin":"out","attempts":3,"at_ms":5,"event":"..."}
///
/// What came from Kafka has "place":"orders/3","position":1041 besides.
/// `event_hex` instead of `event` holds bytes that are not UTF-8.
///
/// Thread: a LetterReader has one owner (its parser's memory). Cost: two parses. Bound: 64 MiB of JSON.
#include <weir/base/units.h>

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

namespace weir::app {

struct Letter {
  std::string reason, why, origin;
  std::uint64_t attempts = 0;
  std::int64_t at_ms = 0;
  std::string event;
  WallTime at() const { return WallTime(std::chrono::milliseconds(at_ms)); }
};

class LetterReader {
 public:
  /// Nothing: it is none.
  std::optional<Letter> read(std::string_view json);
  /// What a condition sees of it: the same members, with the parsed event under `.event` (its text, if it is not JSON).
  std::string for_conditions(const Letter& letter);
  bool is_json(std::string_view text);

 private:
  simdjson::dom::parser parser_{64 << 20};
};

}  // namespace weir::app
