#include <weir/flow/recover/client_throttle.h>

#include <cmath>

namespace weir::flow {

std::optional<Unfit> check(const ClientThrottleConfig& config) {
  if (auto unfit = first_unfit({check_share("ratio", config.ratio), check_share("aggression", config.aggression),
                                check_share("most", config.most), check_duration("window", config.window)}))
    return unfit;
  if (config.ratio < 1) return Unfit{"ratio", "is below 1: write 1 or more"};
  if (config.aggression <= 0) return Unfit{"aggression", "is 0: write 1"};
  if (config.most >= 1) return Unfit{"most", "is 1 or more: write less, or nothing would ever be sent again"};
  return std::nullopt;
}

double refused_share(const ClientThrottleConfig& config, std::uint64_t requests, std::uint64_t accepted) {
  const double n = static_cast<double>(requests), vain = n - static_cast<double>(accepted) * config.ratio;
  if (vain <= 0) return 0;
  return std::min(config.most, std::pow(vain / (n + 1), 1 / config.aggression));
}

double ClientThrottle::refused_share(TimePoint now) {
  sums_.advance(now);
  return flow::refused_share(config_, sums_.total(requests), sums_.total(taken));
}

bool ClientThrottle::try_start(double drawn, TimePoint now) {
  const bool sent = drawn >= refused_share(now);
  sums_.add(requests, now);
  return sent;
}

}  // namespace weir::flow
