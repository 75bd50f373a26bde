#pragma once
/// A rate as it is written in a configuration, and the limiter that its algorithm names: one type for whoever lets the
/// user choose.
///
///   algorithm         limiter          at once
///   token_bucket      TokenBucket      `burst`
///   leaky_bucket      LeakyBucket      `burst` + 1; it refuses what comes earlier and delays nothing
///   fixed_window      FixedWindow      `limit`
///   sliding_counter   SlidingCounter   `limit`
///   sliding_log       SlidingLog       `limit`
///
/// Often it is known only afterwards how much something brought. `charge` takes units that have passed already, also
/// more than the limiter would have let pass: it owes them then, and lets nothing pass before they are made up for
/// (SlidingCounter and SlidingLog remember a debt for two windows and for one). So whoever asks for one unit first and
/// charges the rest overdraws once, and the next one waits (semantics F4).
///
/// When to choose it: the limit comes from a file. Code that knows its limiter uses that one.
///
/// Thread: a value; its owner guards it. Cost: the limiter's and a branch; 128 bytes.
#include <weir/flow/admit/fixed_window.h>
#include <weir/flow/admit/leaky_bucket.h>
#include <weir/flow/admit/sliding_counter.h>
#include <weir/flow/admit/sliding_log.h>
#include <weir/flow/admit/token_bucket.h>

#include <string_view>
#include <variant>

namespace weir::flow {

struct RateLimitConfig {
  enum class Algorithm : std::uint8_t { token_bucket, leaky_bucket, fixed_window, sliding_counter, sliding_log };
  Algorithm algorithm = Algorithm::token_bucket;
  std::uint64_t limit = 0;         ///< so many
  Duration window{1'000'000'000};  ///< in so long
  std::uint64_t burst = 1;         ///< buckets only
  PerSecond rate() const { return PerSecond{static_cast<double>(limit) / seconds(window)}; }
  bool has_burst() const { return algorithm <= Algorithm::leaky_bucket; }
  /// What passes at once after a pause.
  std::uint64_t at_once() const;
  bool operator==(const RateLimitConfig&) const = default;
};

std::string_view name(RateLimitConfig::Algorithm algorithm);

/// The first value that cannot be: limit, window or burst.
[[nodiscard]] std::optional<Unfit> check(const RateLimitConfig& config);

class RateLimit {
 public:
  explicit RateLimit(const RateLimitConfig& config);
  static Bytes footprint(const RateLimitConfig& config);

  Duration ready_in(std::uint64_t n, TimePoint now) const;
  Duration take(std::uint64_t n, TimePoint now);
  void give_back(std::uint64_t n, TimePoint now);
  RateFacts facts(TimePoint now) const;
  /// Units that have passed, whatever it would have said.
  void charge(std::uint64_t n, TimePoint now) { (void)take(n, now); }
  /// Takes over another limit: of the new quota as large a part is used as of the old one, rounded up. What it owed
  /// beyond a quota is forgotten.
  void become(const RateLimit& other, TimePoint now);
  /// As `ready_in`; more than ever passes at once waits until all of that is free.
  Duration ready_to_overdraw_in(std::uint64_t n, TimePoint now) const;

 private:
  std::variant<TokenBucket, LeakyBucket, FixedWindow, SlidingCounter, SlidingLog> limiter_;
  std::uint64_t at_once_;
};

static_assert(RateLimiter<RateLimit>);

}  // namespace weir::flow
