#pragma once
/// How late an event loop comes to what is due, by a timer that it sets itself every 100 ms: what every answer of this
/// loop waits for besides its own work. Long handlers and a machine without a free CPU look alike here.
///
///   lag   the mean lateness of about the last second; longer where the timer that is due now is already later than
///         that, so that a loop which is stuck is seen by others
///
/// Thread: `begin` and `woke` the loop, `lag` any. Cost: ten times a second an exp(); `lag` two atomic loads.
#include <weir/base/ewma.h>

#include <algorithm>
#include <atomic>

namespace weir::net {

class LoopLag {
 public:
  static constexpr Duration every = std::chrono::milliseconds(100);

  /// The timer is set now.
  void begin(TimePoint now) { due_.store((now + every).time_since_epoch().count(), std::memory_order_relaxed); }
  /// It has run, and is set again.
  void woke(TimePoint now) {
    lateness_.add(seconds(late(now)), now);
    mean_.store(from_seconds(lateness_.value_or(0)).count(), std::memory_order_relaxed);
    begin(now);
  }
  Duration lag(TimePoint now) const { return std::max(Duration(mean_.load(std::memory_order_relaxed)), late(now)); }

 private:
  Duration late(TimePoint now) const {
    return std::max(Duration{0}, now.time_since_epoch() - Duration(due_.load(std::memory_order_relaxed)));
  }

  Ewma lateness_{std::chrono::seconds(1)};
  std::atomic<Duration::rep> mean_{0}, due_{0};
};

}  // namespace weir::net
