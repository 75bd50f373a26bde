#pragma once
/// t + d that stops at `never` instead of overflowing: waits come from configurations and from the headers of other
/// systems.
///
/// Thread: a function of values. Cost: none.
#include <weir/base/units.h>

namespace weir::flow {

constexpr TimePoint later(TimePoint t, Duration d) {
  if (d <= Duration{0}) return t;
  return d >= never - t ? never : t + d;
}

/// How long it is until t; 0 when it has passed.
constexpr Duration until(TimePoint t, TimePoint now) { return t > now ? t - now : Duration{0}; }

}  // namespace weir::flow
