#pragma once
/// What every rate limiter answers, so that one face (a guard, a table of keys, a chain of limits) serves all of them.
///
///   limiter                 passes in any window of its length at most           remembers
///   TokenBucket             rate x window + burst                                one number
///   LeakyBucket             rate x window + burst + 1 (those above `undelayed`   one number
///                           are delayed)
///   FixedWindow             2 x limit (around the end of a window)               a count
///   SlidingCounter          2 x limit; about the limit where load is even        two counts
///   SlidingLog              limit, exactly                                       the times of what passed
///
/// `ready_in` looks and changes nothing, `take` spends: who asks several limiters spends only when all of them agree.
///
/// Thread: values; their owner guards them. Cost: a few ns each, SlidingLog as much as leaves its window.
/// Ref: IETF draft-ietf-httpapi-ratelimit-headers (remaining, reset).
#include <weir/base/result.h>

#include <concepts>
#include <cstdint>

namespace weir::flow {

/// What a client may be told of its quota.
struct RateFacts {
  std::uint64_t limit = 0;      ///< at once, or in a window
  std::uint64_t remaining = 0;  ///< of it, now
  Duration reset{0};            ///< until it is whole again, if nothing more is taken
  bool operator==(const RateFacts&) const = default;
};

/// Of another limit that lets `at_once` pass at once, as large a part as is used of this one, rounded up.
std::uint64_t used_of(const RateFacts& facts, std::uint64_t at_once);

template <typename L>
concept RateLimiter = requires(L limiter, const L looked_at, std::uint64_t n, TimePoint now) {
  /// How long until n units pass if no others come. 0: now. Duration::max(): never, n is above what it ever lets pass.
  { looked_at.ready_in(n, now) } -> std::same_as<Duration>;
  /// Spends n units. How long they are to be delayed; 0 except at a LeakyBucket. Only when ready_in is 0.
  { limiter.take(n, now) } -> std::same_as<Duration>;
  /// What was taken did not happen.
  limiter.give_back(n, now);
  { looked_at.facts(now) } -> std::same_as<RateFacts>;
};

/// All n or none. The value is how long they are to be delayed.
template <RateLimiter L>
[[nodiscard]] Admitted<Duration> try_take(L& limiter, std::uint64_t n, TimePoint now) {
  if (const Duration wait = limiter.ready_in(n, now); wait > Duration{0}) return rejected(Reason::rate_limited, wait);
  return limiter.take(n, now);
}

/// Nothing taken lately counts any more: forgetting it changes no answer.
template <RateLimiter L>
bool is_whole(const L& limiter, TimePoint now) {
  return limiter.facts(now).reset == Duration{0};
}

}  // namespace weir::flow
