#pragma once
/// Takes the least response time it has seen for the time without a queue, and keeps the queue that the present times
/// speak of between two bounds, as TCP Vegas does.
///
///   q = ceil(L (1 - least time / time)), the requests that wait at the service;  lg = max(1, floor(log10 L))
///   failed                 L = L - lg           (or L x shrink)
///   2 x in flight < L      as it is: the limit is not in use
///   q <= lg                L = L + beta x lg
///   q <  alpha x lg        L = L + lg
///   q >  beta x lg         L = L - lg           (or L x shrink)
///   L' = (1 - smoothing) L + smoothing x what it would be
///
/// After `probe` x L x (0.5 to 1) answers the least time is forgotten for the least of those answers, so that a service
/// that became slower is learned. Netflix's takes the next answer whatever it is; here it is the least since the last
/// time. Under lasting load that too contains a queue: the baseline and with it the limit ratchet up.
///
/// When to choose it: requests take about equally long, and the load has pauses.
///
/// Thread: a value; its owner guards it. Cost: 40 ns an answer; 112 bytes.
/// Ref: Brakmo, Peterson, IEEE JSAC 13(8), 1995; Netflix concurrency-limits VegasLimit.
#include <weir/base/rng.h>
#include <weir/flow/admit/concurrency_limit.h>
#include <weir/flow/admit/limit_range.h>

namespace weir::flow {

struct VegasLimitConfig {
  LimitRange range{.start = 20, .least = 1, .most = 1000};
  double alpha = 3, beta = 6;  ///< of lg L; alpha <= beta
  double smoothing = 1;        ///< above 0, at most 1
  double shrink = 0;           ///< what is left of L when it goes down; 0: L - lg
  double probe = 30;           ///< turns of L answers
  bool operator==(const VegasLimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const VegasLimitConfig& config);

class VegasLimit {
 public:
  VegasLimit(const VegasLimitConfig& config, std::uint64_t seed);

  std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_); }
  void answered(const Answer& answer, TimePoint now);
  LimitFacts facts() const;
  Duration wait_inside() const { return Duration{0}; }

 private:
  bool learned_least(Duration time);
  double next(const Answer& answer) const;
  double step() const;
  double smaller() const { return config_.shrink > 0 ? limit_ * config_.shrink : limit_ - step(); }

  VegasLimitConfig config_;
  Rng rng_;
  double limit_;
  Duration least_{0}, least_since_{0};  // 0: none yet
  double until_probe_ = 0;              // answers
  double queue_ = 0;
  LimitMove moved_ = LimitMove::none;
};

static_assert(ConcurrencyLimit<VegasLimit>);

}  // namespace weir::flow
