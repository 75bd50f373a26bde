#pragma once
/// How large bounds should be, and how long there is until they are reached. A bound comes from the latency that is
/// promised, not from the memory that happens to be free: work that waits longer than its sender does is done for
/// nothing (bufferbloat).
///
/// When to choose it: a bound, a credit window or an alert needs a number: start from the latency that was promised and
/// the rate that was measured.
///
/// Thread: functions of values. Cost: one operation. Ref: Little 1961 (little.h); Gettys and Nichols, "Bufferbloat",
/// ACM Queue 9(11), 2011.
#include <weir/base/units.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace weir::flow {

/// Above it latency grows faster than load does (mm1.h): 5 x the bare service time, and doubling by 90 %.
inline constexpr double high_utilisation = 0.8;
constexpr bool utilisation_is_high(double utilisation) { return utilisation > high_utilisation; }

/// Events that may wait so that none waits longer than `latency` at `rate`: latency x rate, at least 1.
inline std::uint64_t queue_bound(Duration latency, PerSecond rate) {
  const double events = seconds(latency) * rate.value;
  if (!(events > 1)) return 1;
  return events < 9e18 ? static_cast<std::uint64_t>(std::llround(events)) : std::numeric_limits<std::uint64_t>::max();
}

/// Time until a queue is full. `fill` is a share of its bound and `growth` the share it gains per second; without end
/// while it does not grow.
constexpr Duration time_until_full(double fill, PerSecond growth) {
  if (fill >= 1) return Duration{0};
  return growth.value > 0 ? from_seconds((1 - fill) / growth.value) : Duration::max();
}

/// What waits after arrivals have been above service for so long.
constexpr double backlog_after(PerSecond arrivals, PerSecond service, Duration overload) {
  return arrivals > service ? (arrivals.value - service.value) * seconds(overload) : 0.0;
}

/// How late the last event of that backlog is served: (lambda - mu) x t / mu. An unbounded queue delivers exactly this.
constexpr Duration lateness_after(PerSecond arrivals, PerSecond service, Duration overload) {
  const double backlog = backlog_after(arrivals, service, overload);
  if (backlog <= 0) return Duration{0};
  return service.value > 0 ? from_seconds(backlog / service.value) : Duration::max();
}

/// How long such a backlog takes to drain at a lower arrival rate; without end if it does not.
constexpr Duration time_to_drain(double backlog, PerSecond arrivals, PerSecond service) {
  if (backlog <= 0) return Duration{0};
  return service > arrivals ? from_seconds(backlog / (service.value - arrivals.value)) : Duration::max();
}

/// Bandwidth-delay product: bytes that must be under way to keep a path busy. Less credit than this wastes it, more
/// only waits.
inline Bytes bytes_under_way(PerSecond bytes, Duration round_trip) {
  return Bytes(static_cast<std::uint64_t>(std::llround(bytes.value * seconds(round_trip))));
}

}  // namespace weir::flow
