#pragma once
/// The limit that knows what others have to find out: the service's slots and how long it takes. What is compared with,
/// and no bound: it is exceeded in places.
///
///   L = ceil(slots (1 + transit / mean) + 1 + sqrt(slots) / 2)
///
/// Thread: a value. Cost: none.
#include <weir/flow/admit/concurrency_limit.h>

#include <algorithm>
#include <cmath>

namespace weir::sim {

class KnownSlots {
 public:
  KnownSlots(double slots, Duration mean, Duration transit)
      : limit_(static_cast<std::uint32_t>(
            std::ceil(slots * (1 + seconds(transit) / seconds(mean)) + 1 + 0.5 * std::sqrt(slots)))),
        inside_(from_seconds(std::max(0.0, limit_ - slots) / slots * seconds(mean))) {}

  std::uint32_t limit() const { return limit_; }
  void answered(const flow::Answer&, TimePoint) {}
  flow::LimitFacts facts() const { return {limit_, flow::LimitMove::none, "none", 0, 0}; }
  Duration wait_inside() const { return inside_; }

 private:
  std::uint32_t limit_;
  Duration inside_;
};

static_assert(flow::ConcurrencyLimit<KnownSlots>);

}  // namespace weir::sim
