#pragma once
/// When it is worth a warning that a sink found rows there already, by their id, and left them as they were.
///
///   strange    they go by an id that Weir made and gave to nobody before, and no attempt failed before: what is there
///              is another event, and these are not stored. Any number of them is a warning
///   too many   at least 1 000 since the start, and more than half of all: senders that repeat, and what is read again
///              after a crash, do not explain that for long. The field taken for the id may be the same in many events
///
/// Each at most once in `again`, with the number of those that came meanwhile.
///
/// Thread: a value, told the time; its owner guards it. Cost: none.
#include <weir/base/units.h>

#include <cstdint>

namespace weir::pipeline {

class DoubledRows {
 public:
  static constexpr Duration again = std::chrono::hours(1);
  static constexpr std::uint64_t enough = 1000;

  struct Group {
    std::uint64_t events = 0, already = 0, strange = 0;  ///< as in Delivery
    bool tried_before = false;                           ///< an attempt before may have stored some of it
  };
  /// What to warn of now; 0: nothing.
  struct Warn {
    std::uint64_t strange = 0;
    std::uint64_t already = 0, of = 0;
  };
  Warn saw(const Group& group, TimePoint now);

 private:
  std::uint64_t events_ = 0, already_ = 0, strange_ = 0;
  TimePoint next_strange_ = first, next_many_ = first;
  static constexpr TimePoint first = TimePoint::min();
};

}  // namespace weir::pipeline
