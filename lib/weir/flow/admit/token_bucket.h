#pragma once
/// Limits a rate and allows bursts: the token bucket as one number, the generic cell rate algorithm.
///
///   n go now if ahead + n T <= burst T   (virtual_schedule.h); otherwise after ahead + n T - burst T, which is exact
///
/// A bucket begins full: `burst` may go at once. More than `burst` at a time is never possible: retry_after is
/// Duration::max().
///
/// When to choose it: nearly always. A client that paused may catch up, and what it remembers is one number.
///
/// Thread: a value; its owner guards it. Cost: a few ns; 40 bytes.
/// Ref: ATM Forum TM 4.0, section 4.4.2 (GCRA, virtual scheduling).
#include <weir/flow/admit/rate.h>
#include <weir/flow/admit/virtual_schedule.h>

namespace weir::flow {

class TokenBucket {
 public:
  /// Throws std::invalid_argument for what `check` refuses.
  TokenBucket(PerSecond rate, std::uint64_t burst);

  /// The rate is above 0 and at most 10^9 a second; the burst at least 1 and at most 10^15.
  [[nodiscard]] static std::optional<Unfit> check(PerSecond rate, std::uint64_t burst);

  /// All n or none: then Rejection{rate_limited, when they could go if no others come}.
  [[nodiscard]] Admitted<void> try_take(std::uint64_t n, TimePoint now);

  Duration ready_in(std::uint64_t n, TimePoint now) const;
  Duration take(std::uint64_t n, TimePoint now);
  void give_back(std::uint64_t n, TimePoint) { schedule_.take_back(n); }
  RateFacts facts(TimePoint now) const;

 private:
  VirtualSchedule schedule_;
  std::uint64_t burst_;
};

static_assert(RateLimiter<TokenBucket>);

}  // namespace weir::flow
