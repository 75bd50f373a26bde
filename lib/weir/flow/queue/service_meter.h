#pragma once
/// How fast work leaves and how fast the queue grows: the two rates that every forecast (time to low, time to full,
/// Retry-After, bounds sized by time) rests on.
///
///   ServiceMeter  rate = sum(events x d) / sum(busy x d),  d = exp(-busy time since / 5 s)
///                 Idle time does not count and does not age it: a stopped sink keeps the rate it had (semantics D4).
///   BusyTime      the union of the busy times of overlapping workers, so that n workers count as n times as fast
///   GrowthMeter   growth' = growth + (1 - exp(-dt / 2 s)) x (change / dt - growth), told at every push and pop
///
/// Thread: one owner each. Cost: an exp a completion; GrowthMeter one at most every millisecond.
#include <weir/base/units.h>

#include <cstdint>
#include <optional>

namespace weir::flow {

class ServiceMeter {
 public:
  /// `events` were completed; `busy` is the time in which at least one worker was busy and that was not reported
  /// before.
  void served(std::uint64_t events, Duration busy);
  /// Absent until something was completed in a measurable time.
  std::optional<PerSecond> rate() const;

 private:
  double events_ = 0, busy_ = 0;
};

class BusyTime {
 public:
  /// A worker starts on something.
  void start(TimePoint now) {
    if (working_++ == 0) since_ = now;
  }
  /// A worker is done. Returns the busy time since the last report of any worker.
  Duration stop(TimePoint now) {
    if (working_ > 0) --working_;
    const Duration busy = now > since_ ? now - since_ : Duration{0};
    since_ = now;
    return busy;
  }

 private:
  std::uint32_t working_ = 0;
  TimePoint since_{};
};

class GrowthMeter {
 public:
  void update(std::uint64_t waiting, TimePoint now);
  /// As of now, when `waiting` is what waits.
  PerSecond growth(std::uint64_t waiting, TimePoint now) const;

 private:
  double growth_ = 0;
  std::uint64_t waiting_ = 0;
  TimePoint at_ = never;
};

}  // namespace weir::flow
