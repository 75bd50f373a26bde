#include <weir/flow/admit/token_bucket.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir::flow {

std::optional<Unfit> TokenBucket::check(PerSecond rate, std::uint64_t burst) {
  if (auto unfit = check_rate("rate", rate)) return unfit;
  if (rate.value > 1e9) return Unfit{"rate", "is above 1000000000/s: write less"};
  if (burst == 0) return Unfit{"burst", "is 0: write 1 or more"};
  return std::nullopt;
}

TokenBucket::TokenBucket(PerSecond rate, std::uint64_t burst) : burst_(burst) {
  refuse(check(rate, burst), "token bucket");
  interval_ = static_cast<Picoseconds>(std::llround(std::min(1e12 / rate.value, 9e18)));
  arrival_ = std::numeric_limits<std::int64_t>::min();
}

Admitted<void> TokenBucket::try_take(std::uint64_t n, TimePoint now) {
  if (n > burst_) return rejected(Reason::rate_limited, Duration::max());
  const auto at = static_cast<Picoseconds>(now.time_since_epoch().count()) * 1000;
  const auto next = std::max(at, arrival_) + interval_ * n;
  const auto early = next - interval_ * burst_ - at;
  if (early > 0) {
    constexpr Picoseconds most = std::numeric_limits<Duration::rep>::max();
    return rejected(Reason::rate_limited, Duration(static_cast<Duration::rep>(std::min((early + 999) / 1000, most))));
  }
  arrival_ = next;
  return {};
}

}  // namespace weir::flow
