#pragma once
/// How long it is worth to let a request wait for a place at a service: about as long as the service's own slow
/// requests take, since waiting that long at most doubles what a slow request takes anyway, and a shorter room would
/// refuse what the next moment has places for.
///
///   own    the response time less the wait inside the service
///   q99    of ln own: up by 0.99 eta when above, down by 0.01 eta when below; eta = 0.05 for the first 2000, then 0.01
///   W      max(1.15 (e^q99 - 0.4 mean), 0.25 e^q99), at most max(50 ms, 2.5 mean), at least as long as 18 dispatches
///          take and as 20 ms, at most `longest`
///
/// Thread: a value; its owner guards it. Cost: a logarithm and an exponential an answer; 64 bytes.
/// Ref: Robbins, Monro, "A stochastic approximation method", 1951 (the quantile).
#include <weir/base/units.h>

#include <cstdint>

namespace weir::flow {

class WaitBudget {
 public:
  explicit WaitBudget(Duration longest) : longest_(seconds(longest)) {}

  /// An answer; `dispatches` are those of the moment, 0: not known.
  void answered(Duration own, PerSecond dispatches);
  Duration wait() const { return from_seconds(wait_); }

 private:
  void learn(double own);

  double longest_;
  double log_q99_ = -3.1;  // 45 ms
  double mean_ = 0.01;
  std::uint64_t answers_ = 0;
  double wait_ = 0.05;
};

}  // namespace weir::flow
