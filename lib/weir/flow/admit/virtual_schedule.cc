#include <weir/flow/admit/virtual_schedule.h>

#include <cmath>
#include <limits>

namespace weir::flow {

std::optional<Unfit> VirtualSchedule::check(PerSecond rate) {
  if (auto unfit = check_rate("rate", rate)) return unfit;
  if (rate.value > 1e9) return Unfit{"rate", "is above 1000000000/s: write less"};
  return std::nullopt;
}

VirtualSchedule::VirtualSchedule(PerSecond rate) : end_(std::numeric_limits<std::int64_t>::min()) {
  refuse(check(rate), "rate");
  interval_ = static_cast<Picoseconds>(std::llround(std::min(1e12 / rate.value, 9e18)));
}

Duration VirtualSchedule::duration(Picoseconds time) {
  constexpr Picoseconds most = std::numeric_limits<Duration::rep>::max();
  return Duration(static_cast<Duration::rep>(std::min((time + 999) / 1000, most)));
}

}  // namespace weir::flow
