#pragma once
/// Smooths a rate: what comes too early is delayed so that it leaves evenly, and refused where the queue it would stand
/// in is longer than `burst`.
///
///   place = ahead / T, how many are before it (virtual_schedule.h)
///   place + n - 1 > burst                refused; nothing is charged for it
///   place > undelayed                    passes after (place - undelayed) T
///   otherwise                            passes now
///
/// With undelayed = burst nothing is ever delayed: the bucket only rejects. With undelayed = 0 everything leaves at the
/// rate. Who holds what is delayed must use a timer, never a sleeping thread, and must bound how much it holds: `burst`
/// is that bound.
///
/// When to choose it: in front of something that bursts hurt, when the sender can wait.
///
/// Thread: a value; its owner guards it. Cost: a few ns; 48 bytes.
/// Ref: the leaky bucket as a queue (Turner 1986); the same arithmetic as nginx's limit_req.
#include <weir/flow/admit/rate.h>
#include <weir/flow/admit/virtual_schedule.h>

namespace weir::flow {

struct LeakyBucketConfig {
  PerSecond rate{0};
  std::uint64_t burst = 0;      ///< how many may be ahead of the rate; 0: none
  std::uint64_t undelayed = 0;  ///< of those, how many pass at once
  bool operator==(const LeakyBucketConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h): a rate as a VirtualSchedule's, undelayed at most the burst.
[[nodiscard]] std::optional<Unfit> check(const LeakyBucketConfig& config);

class LeakyBucket {
 public:
  explicit LeakyBucket(const LeakyBucketConfig& config);

  /// Not the delay: how long until it is no longer refused.
  Duration ready_in(std::uint64_t n, TimePoint now) const;
  Duration take(std::uint64_t n, TimePoint now);
  void give_back(std::uint64_t n, TimePoint) { schedule_.take_back(n); }
  RateFacts facts(TimePoint now) const;

 private:
  VirtualSchedule schedule_;
  std::uint64_t burst_, undelayed_;
};

static_assert(RateLimiter<LeakyBucket>);

}  // namespace weir::flow
