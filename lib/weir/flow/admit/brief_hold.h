#pragma once
/// Holds a unit at the door, unread, for a moment where a refusal would cost its sender a whole second.
///
/// A Retry-After has no fractions, so who is refused stays away for a second at least. A queue that is 4 ms of work has
/// room again in 4 ms: its sink would idle for the rest of that second, and the sender would wait 250 times as long as
/// needed. So what finds no room waits here, as long as room is near:
///
///   held        the first time, if  until_room + held x each <= longest  and fewer than `most` are held
///   held on     until it was held for `longest`, and as long as  until_room <= longest
///   refused     otherwise
///
///   until_room  the longest of: time to the low watermark, time since anything moved. A stalled sink is soon far from
///               it, whatever its last rate was
///   held        units that are held now
///   each        the time the slowest destination needs for one unit
///
/// Beyond longest / each more units would only be refused later: that bound is of the sink's making. `most` is the
/// bound where the sink is fast, so that what is held (a connection that is not read) stays countable.
///
/// Measured by brief_hold_figures_test.cc: clients that send the next request when the last one is answered, on a queue
/// of 4 ms of work. Without it the sink works 1 % of the time, with it more than 90 %, as long as all of them can be
/// served within `longest`; with twice as many, half of the time.
///
/// When to choose it: in front of a Door whose queues may be short. It changes nothing where the bound is seconds of
/// work, since no low watermark is within `longest` there.
///
/// Thread: a value; its owner guards it. Cost: a few ns. On cancel: a unit that goes away has to `leave`.
#include <weir/base/checked.h>

#include <cstdint>

namespace weir::flow {

struct BriefHoldConfig {
  Duration longest = std::chrono::milliseconds(50);  ///< one unit is held; 0: none is
  std::uint32_t most = 1024;                         ///< units held at once
  bool operator==(const BriefHoldConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const BriefHoldConfig& config);

class BriefHold {
 public:
  /// What a unit at the door keeps between two decisions, made anew for each unit.
  struct HeldUnit {
    TimePoint since = never;  ///< held since then; never: it is not held
    Duration wait{0};  ///< above 0: it is not refused yet. It waits so long, or until there is room, and asks again
  };

  explicit BriefHold(const BriefHoldConfig& config);

  /// There is no room for the unit: sets its `wait`, or ends its hold with a `wait` of 0.
  void hold(HeldUnit& unit, Duration until_room, Duration each, TimePoint now);
  /// It was let in, or refused for another reason, or went away.
  void leave(HeldUnit& unit);
  std::uint32_t held() const { return held_; }

 private:
  BriefHoldConfig config_;
  std::uint32_t held_ = 0;
};

}  // namespace weir::flow
