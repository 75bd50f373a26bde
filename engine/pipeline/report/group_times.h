#pragma once
/// How long events take in front of and in a sink, told by its workers: one meter for all of them, and the time since
/// which each has held its present group, so that a delivery that never ends is seen as well.
///
/// The time of a batch counts from when its first event was read (as all ages here do) to its fate, tries and dead
/// letters included.
///
/// Thread: any. Cost: a lock for each group taken and ended, about 20 ns a batch, no allocation; `sojourn` 7 us.
#include <weir/component/batch.h>
#include <weir/flow/queue/sojourn.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <vector>

namespace weir::pipeline {

class GroupTimes {
 public:
  explicit GroupTimes(int workers) { taken_.reserve(static_cast<std::size_t>(std::max(1, workers))); }

  void took(TimePoint now) {
    std::lock_guard lock(mutex_);
    // The meter starts with the first group, so that the time before it does not count as a stall.
    if (!meter_) meter_.emplace(now);
    taken_.push_back(now);
  }
  /// All of `group` ends now; it was taken at `taken`.
  void ended(std::span<const Batch> group, TimePoint taken, TimePoint now) {
    std::lock_guard lock(mutex_);
    if (const auto one = std::ranges::find(taken_, taken); one != taken_.end()) taken_.erase(one);
    if (!meter_) return;
    for (const Batch& batch : group) meter_->ended(now - batch.since(), batch.size(), now);
  }
  /// `waiting`: the age of the oldest event in the sink queue.
  flow::Sojourn sojourn(Duration waiting, TimePoint now) {
    std::lock_guard lock(mutex_);
    flow::Sojourn s = meter_ ? meter_->stats(now) : flow::Sojourn{};
    for (const TimePoint taken : taken_) s.under_way = std::max(s.under_way, now - taken);
    s.oldest = std::max(waiting, s.under_way);
    return s;
  }

 private:
  std::mutex mutex_;
  std::optional<flow::SojournMeter> meter_;
  std::vector<TimePoint> taken_;  // one for each worker that holds a group
};

}  // namespace weir::pipeline
