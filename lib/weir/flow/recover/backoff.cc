#include <weir/flow/recover/backoff.h>

#include <algorithm>

namespace weir::flow {
namespace {

constexpr int longest_chain = 32;  // after that many draws the start of the chain no longer matters

Duration up_to(Duration most, Rng& rng) {
  if (most <= Duration{0}) return Duration{0};
  return Duration(static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

Duration sum(Duration a, Duration b) { return a > Duration::max() - b ? Duration::max() : a + b; }

}  // namespace

Duration Backoff::ceiling(int n) const {
  const int doublings = std::clamp(n, 0, 62);
  if (config_.base.count() > (config_.cap.count() >> doublings)) return config_.cap;
  return Duration(config_.base.count() << doublings);
}

Duration Backoff::delay(int n, Duration previous, Rng& rng) const {
  const Duration most = ceiling(n);
  switch (config_.jitter) {
    case BackoffConfig::Jitter::additive: return sum(most, up_to(config_.additive_most, rng));
    case BackoffConfig::Jitter::full: return up_to(most, rng);
    case BackoffConfig::Jitter::equal: return most / 2 + up_to(most - most / 2, rng);
    case BackoffConfig::Jitter::decorrelated: break;
  }
  if (previous > Duration{0}) return decorrelated(previous, rng);
  Duration wait = config_.base;
  for (int i = 0; i <= std::clamp(n, 0, longest_chain); ++i) wait = decorrelated(wait, rng);
  return wait;
}

Duration Backoff::decorrelated(Duration previous, Rng& rng) const {
  const Duration low = config_.base;
  const Duration high = previous > Duration::max() / 3 ? Duration::max() : std::max(low, 3 * previous);
  return std::min(config_.cap, low + up_to(high - low, rng));
}

}  // namespace weir::flow
