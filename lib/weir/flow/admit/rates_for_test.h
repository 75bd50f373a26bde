#pragma once
/// Given time in seconds, and what a limiter answers to it, for the tests of rate limiters.
///
/// Thread: as gtest. Cost: none.
#include <weir/flow/admit/rate.h>

namespace weir::flow {

inline TimePoint at(double s) { return TimePoint(from_seconds(s + 100)); }

/// How long n units are to be delayed, in seconds; nothing: they do not pass.
template <RateLimiter L>
std::optional<double> passes(L& limiter, double when, std::uint64_t n = 1) {
  const auto taken = try_take(limiter, n, at(when));
  if (taken) return seconds(*taken);
  return std::nullopt;
}

/// The rest of a quota and the seconds until it is whole.
struct Quota {
  std::uint64_t remaining;
  double reset;
  bool operator==(const Quota&) const = default;
};
template <RateLimiter L>
Quota quota(const L& limiter, double when) {
  const RateFacts facts = limiter.facts(at(when));
  return {facts.remaining, seconds(facts.reset)};
}

}  // namespace weir::flow
