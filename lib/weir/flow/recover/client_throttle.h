#pragma once
/// Refuses on our side a part of what a destination would refuse anyway. A refusal costs the destination work too; when
/// most of what it does is refusing, only its clients can relieve it.
///
///   p = ((n - accepted x ratio) / (n + 1)) ^ (1 / aggression), at least 0, at most `most`
///   n          requests of the last `window`, those refused here too
///   accepted   of them, by the destination
///
/// With a ratio of 2 it begins when half of the requests are refused, and then about as many are sent in vain as are
/// accepted: enough to see when the destination recovers. Envoy's success rate r is a ratio of 1 / r.
///
/// When to choose it: a destination refuses quickly when it is overloaded, and has clients enough that each sees a
/// part. Where calls time out instead, a Breaker; where the number of calls in flight is what overloads it, an
/// AdaptiveLimit.
///
/// Thread: one owner. Cost: 20 ns a request; 0.4 KiB.
/// Ref: Google, "Site Reliability Engineering", ch. 21; Envoy, "admission control".
#include <weir/base/checked.h>
#include <weir/flow/recover/sliding_sums.h>

namespace weir::flow {

struct ClientThrottleConfig {
  double ratio = 2;       ///< at least 1
  double aggression = 1;  ///< above 0
  double most = 0.9;      ///< is refused, below 1: what is never sent never shows that it would be accepted
  Duration window = std::chrono::minutes(2);
  bool operator==(const ClientThrottleConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const ClientThrottleConfig& config);

/// The formula alone.
double refused_share(const ClientThrottleConfig& config, std::uint64_t requests, std::uint64_t accepted);

class ClientThrottle {
 public:
  explicit ClientThrottle(const ClientThrottleConfig& config)
      : config_(checked(config, "client throttle")), sums_(config.window) {}

  /// Whether a request may be sent; it is counted either way. `drawn` is uniform in [0, 1).
  [[nodiscard]] bool try_start(double drawn, TimePoint now);
  /// The destination did not refuse it.
  void accepted(TimePoint now) { sums_.add(taken, now); }
  double refused_share(TimePoint now);

 private:
  enum Kind : std::size_t { requests, taken };

  ClientThrottleConfig config_;
  SlidingSums<2> sums_;
};

}  // namespace weir::flow
