#pragma once
/// CoDel for requests: refuses requests that waited too long, but only while even the shortest wait of an interval is
/// too long. It needs no queue, only the delay of each request at the moment it would start.
///
///   overloaded = min(delays of the last interval) > target
///   refuse     = overloaded and delay > 2 x target
///   load       = min(1, min delay / (2 x target))
///
/// The minimum is judged when its interval is over: it is blind below two requests an interval and one interval late.
/// The first request of an interval is never refused: it finds out whether the queue is gone.
///
/// Thread: one owner. Cost: a few comparisons. Ref: facebook/folly executors/Codel; Maurer, "Fail at Scale", ACM
/// Queue 13(8), 2015.
#include <weir/flow/queue/edge_config.h>

namespace weir::flow {

class DelayGate {
 public:
  explicit DelayGate(const CodelConfig& config = {}) : config_(checked(config, "delay gate")) {}

  /// Is the request that waited `delay` and would start now refused?
  bool refuses(Duration delay, TimePoint now);
  /// From 0 (at rest) to 1: the shortest wait of the interval as a share of twice the target.
  double load() const;
  void reconfigure(const CodelConfig& config) { config_ = checked(config, "delay gate"); }

 private:
  CodelConfig config_;
  TimePoint interval_ends_{};
  Duration least_{0};
  bool overloaded_ = false;
};

}  // namespace weir::flow
