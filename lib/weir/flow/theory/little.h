#pragma once
/// Little's law: the number of items inside, their rate and the time each stays determine each other, whatever the
/// order of service and whatever the distributions, as long as the system is stable.
///
///   L = lambda x W        L items inside, lambda items per second through, W seconds inside
///
/// When to choose it: two of items, rate and time are known and the third is wanted: how long a queue may be for a
/// promised latency, how many calls are in flight at a rate.
///
/// Thread: functions of values. Cost: one operation. Ref: Little, "A proof for the queuing formula L = lambda W",
/// Operations Research 9(3), 1961.
#include <weir/base/units.h>

namespace weir::flow {

/// L: how many are inside on average.
constexpr double items_inside(PerSecond through, Duration time_inside) { return through.value * seconds(time_inside); }

/// W: how long each stays on average; without end when nothing passes and something is inside.
constexpr Duration time_inside(double items, PerSecond through) {
  if (items <= 0) return Duration{0};
  return through.value > 0 ? from_seconds(items / through.value) : Duration::max();
}

/// lambda: what passes when so many are inside for so long (the most a concurrency limit of `items` can carry).
constexpr PerSecond passing(double items, Duration time_inside) {
  return PerSecond{time_inside > Duration{0} ? items / seconds(time_inside) : 0.0};
}

}  // namespace weir::flow
