#pragma once
/// brpc's auto limiter, to compare with: the least average response time by Little's law times the most that was ever
/// answered in a second, and some more to look whether more could be.
///
///   a window: 1 s or 200 answers, at least 100.  least: down by 0.1 of the difference;  most qps: up at once, down by 0.01
///   average <= 1.06 least, or qps <= most / 1.06:  explore = min(0.3, explore + 0.02), otherwise max(0.06, - 0.02)
///   L = least x most (1 + explore);  every 25 to 50 s: L = 0.9 least x most, drained for 2 averages, both measured anew
///
/// Below 100 answers a second it never adapts.
///
/// Thread: a value; its owner guards it. Cost: a few ns. Ref: brpc, docs/cn/auto_concurrency_limiter and its code.
#include <weir/base/rng.h>
#include <weir/flow/admit/concurrency_limit.h>

namespace weir::sim {

class BrpcAuto {
 public:
  explicit BrpcAuto(std::uint64_t seed) : rng_(seed) {}

  std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_); }
  void answered(const flow::Answer& answer, TimePoint now);
  flow::LimitFacts facts() const { return {limit(), moved_, "response time", average_, 1.06 * least_}; }
  Duration wait_inside() const { return Duration{0}; }

 private:
  void end_window(double qps, TimePoint now);
  Duration until_measured() { return from_seconds(25 + 25 * rng_.uniform()); }
  void move_to(double limit);

  Rng rng_;
  double limit_ = 40;
  double least_ = 0, average_ = 0, most_qps_ = 0, explore_ = 0.3;  // seconds; 0: not known
  TimePoint window_began_ = never, next_measure_ = never, ignored_until_ = TimePoint::min();
  bool measuring_ = false;
  double sum_ = 0;
  int answers_ = 0;
  flow::LimitMove moved_ = flow::LimitMove::none;
};

static_assert(flow::ConcurrencyLimit<BrpcAuto>);

}  // namespace weir::sim
