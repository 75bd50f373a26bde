#include <weir/flow/admit/token_bucket.h>

namespace weir::flow {

std::optional<Unfit> TokenBucket::check(PerSecond rate, std::uint64_t burst) {
  if (auto unfit = VirtualSchedule::check(rate)) return unfit;
  if (burst == 0) return Unfit{"burst", "is 0: write 1 or more"};
  if (burst > VirtualSchedule::most_units) return Unfit{"burst", "is above 10^15: write less"};
  return std::nullopt;
}

TokenBucket::TokenBucket(PerSecond rate, std::uint64_t burst) : schedule_(rate), burst_(burst) {
  refuse(check(rate, burst), "token bucket");
}

Admitted<void> TokenBucket::try_take(std::uint64_t n, TimePoint now) {
  if (const Duration wait = ready_in(n, now); wait > Duration{0}) return rejected(Reason::rate_limited, wait);
  take(n, now);
  return {};
}

Duration TokenBucket::ready_in(std::uint64_t n, TimePoint now) const {
  if (n > burst_) return Duration::max();
  const auto early = schedule_.ahead(now) + schedule_.of(n) - schedule_.of(burst_);
  return early > 0 ? VirtualSchedule::duration(early) : Duration{0};
}

Duration TokenBucket::take(std::uint64_t n, TimePoint now) {
  schedule_.add(n, now);
  return Duration{0};
}

RateFacts TokenBucket::facts(TimePoint now) const {
  const auto ahead = schedule_.ahead(now), most = schedule_.of(burst_);
  return {burst_, ahead < most ? schedule_.units_in(most - ahead) : 0, VirtualSchedule::duration(ahead)};
}

}  // namespace weir::flow
