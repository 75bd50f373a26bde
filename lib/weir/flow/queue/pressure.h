#pragma once
/// One snapshot of how an edge or destination is doing. Retry-After, levels, alerts, autoscaling, readiness, the
/// dashboard and `weir why` all read this and nothing else, so they never contradict each other.
///
///   time_to_full = room / growth            (growth > 0)
///   time_to_low  = (waiting - low watermark) / service rate
///
/// Thread: a value. Cost: none to hold; taking one is O(lanes).
#include <weir/base/units.h>

#include <array>
#include <optional>

namespace weir::flow {

struct Pressure {
  Load waiting;
  Load bound;
  double fill = 0;         ///< the larger of events/bound and bytes/bound; above 1 never
  PerSecond service_rate;  ///< events completed per *busy* second; keeps its last value while stopped
  PerSecond growth;        ///< events per second the queue grows by; negative while it drains
  Duration oldest_age{0};  ///< how long the longest waiting item has waited
  std::optional<Duration> time_to_full;
  std::optional<Duration> time_to_low;  ///< absent while no rate has been measured
  bool paused = false;                  ///< above the high watermark, or not yet below the low one
  std::array<std::uint64_t, priority_count> waiting_by_priority{};
};

}  // namespace weir::flow
