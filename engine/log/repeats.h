#pragma once
/// Which lines of a log are said, and how many like them were left out: a log that repeats itself hides what matters,
/// and fills a disk.
///
///   line   the text, with digits taken for each other ("3 events", "7 events"): `per_line` in a window
///   place  the call that says it, for one speaker: `per_place` in a window, however much its text changes
///
/// The first line of the next window carries the number that was left out before. Both tables are bounded: the oldest
/// entry makes room, and what it had left out is told by the next line that is said.
///
/// Thread: one owner. Cost: two look-ups; a walk over a full table. Memory: `most` entries of each, 40 bytes.
#include <weir/base/units.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace weir::log {

/// The key of a line: a hash that takes all numbers for the same.
std::uint64_t key_of_line(std::string_view text);

struct RepeatLimits {
  Duration window = std::chrono::minutes(1);
  std::uint32_t per_line = 1, per_place = 30;
  std::size_t most = 512;
};

class Repeats {
 public:
  /// Nothing: it is left out. Else it is said, and so many like it were left out before.
  std::optional<std::uint64_t> admit(std::uint64_t line, std::uint64_t place, const RepeatLimits& limits,
                                     TimePoint now);
  /// What was left out and not told yet; told from now on.
  std::uint64_t take_left_out();

 private:
  struct Entry {
    TimePoint since;
    std::uint32_t said = 0;
    std::uint64_t left_out = 0;
  };
  using Table = std::unordered_map<std::uint64_t, Entry>;
  Entry& find(Table& table, std::uint64_t key, const RepeatLimits& limits, TimePoint now);

  Table lines_, places_;
  std::uint64_t forgotten_ = 0;  // left out by entries that had to make room
};

}  // namespace weir::log
