#pragma once
/// Limits a rate and allows bursts: the token bucket as one number, the generic cell rate algorithm.
///
///   T = 1 / rate;  TAT' = max(now, TAT) + n x T;  n go now if TAT' - burst x T <= now, then TAT = TAT'
///   otherwise they may come again after TAT' - burst x T - now, which is exact
///
/// A bucket begins full: `burst` may go at once. More than `burst` at a time is never possible: retry_after is
/// Duration::max(). Deviation from the source: time is kept in picoseconds, so that rates of millions a second do not
/// drift.
///
/// Thread: a value; its owner guards it. Cost: a few ns.
/// Ref: ATM Forum TM 4.0, section 4.4.2 (GCRA, virtual scheduling).
#include <weir/base/checked.h>
#include <weir/base/result.h>

#include <cstdint>

namespace weir::flow {

class TokenBucket {
 public:
  /// Throws std::invalid_argument for what `check` refuses.
  TokenBucket(PerSecond rate, std::uint64_t burst);

  /// The rate is above 0 and at most 10^9 a second; the burst at least 1.
  [[nodiscard]] static std::optional<Unfit> check(PerSecond rate, std::uint64_t burst);

  /// All n or none: then Rejection{rate_limited, when they could go if no others come}.
  [[nodiscard]] Admitted<void> try_take(std::uint64_t n, TimePoint now);

 private:
  __extension__ using Picoseconds = __int128;
  Picoseconds interval_;
  std::uint64_t burst_;
  Picoseconds arrival_ = 0;  // when the bucket is full again
};

}  // namespace weir::flow
