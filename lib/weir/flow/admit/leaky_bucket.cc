#include <weir/flow/admit/leaky_bucket.h>

namespace weir::flow {

std::optional<Unfit> check(const LeakyBucketConfig& config) {
  if (auto unfit = VirtualSchedule::check(config.rate)) return unfit;
  if (config.burst > VirtualSchedule::most_units) return Unfit{"burst", "is above 10^15: write less"};
  if (config.undelayed > config.burst) return Unfit{"undelayed", "is above burst: write that or less"};
  return std::nullopt;
}

LeakyBucket::LeakyBucket(const LeakyBucketConfig& config)
    : schedule_(checked(config, "leaky bucket").rate), burst_(config.burst), undelayed_(config.undelayed) {}

Duration LeakyBucket::ready_in(std::uint64_t n, TimePoint now) const {
  if (n == 0) return Duration{0};
  if (n - 1 > burst_) return Duration::max();
  const auto early = schedule_.ahead(now) - schedule_.of(burst_ - (n - 1));
  return early > 0 ? VirtualSchedule::duration(early) : Duration{0};
}

Duration LeakyBucket::take(std::uint64_t n, TimePoint now) {
  const auto early = schedule_.ahead(now) - schedule_.of(undelayed_);
  schedule_.add(n, now);
  return early > 0 ? VirtualSchedule::duration(early) : Duration{0};
}

RateFacts LeakyBucket::facts(TimePoint now) const {
  const auto ahead = schedule_.ahead(now), most = schedule_.of(burst_ + 1);
  return {burst_ + 1, ahead < most ? schedule_.units_in(most - ahead) : 0, VirtualSchedule::duration(ahead)};
}

}  // namespace weir::flow
