// What each limiter promises whatever comes: its bound holds in every window, and what it says of later is exact.
#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/fixed_window.h>
#include <weir/flow/admit/leaky_bucket.h>
#include <weir/flow/admit/sliding_counter.h>
#include <weir/flow/admit/sliding_log.h>
#include <weir/flow/admit/token_bucket.h>

#include <deque>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t limit = 20;
constexpr Duration window = 1s;

/// Bursts, pauses and evenly spread load, most of it too much; some of what passes is given back.
template <RateLimiter L>
void expect_bound(L limiter, std::uint64_t bound, std::uint64_t seed) {
  Rng rng(seed);
  TimePoint now{100s};
  std::deque<std::pair<TimePoint, std::uint64_t>> passed;
  std::uint64_t sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto kind = rng.below(10);
    if (kind == 0) now += Duration(static_cast<Duration::rep>(rng.below(2'000'000'000)));
    if (kind < 5) now += Duration(static_cast<Duration::rep>(rng.below(20'000'000)));
    const std::uint64_t n = rng.below(4);
    const Duration wait = limiter.ready_in(n, now);
    const RateFacts facts = limiter.facts(now);
    ASSERT_LE(facts.remaining, facts.limit);
    if (wait > Duration{0}) {
      ASSERT_LT(wait, 10s);
      ASSERT_GT(limiter.ready_in(n, now + wait - 1ns), Duration{0}) << "earlier than it says, seed " << seed;
      ASSERT_EQ(limiter.ready_in(n, now + wait), Duration{0}) << "later than it says, seed " << seed;
      if (kind != 9) continue;
      now += wait;
    }
    const Duration delay = limiter.take(n, now);
    if (kind == 7) {
      limiter.give_back(n, now);
      continue;
    }
    passed.emplace_back(now + delay, n);
    sum += n;
    while (!passed.empty() && passed.front().first + window <= passed.back().first) {
      sum -= passed.front().second;
      passed.pop_front();
    }
    ASSERT_LE(sum, bound) << "seed " << seed;
  }
}

TEST(RateLimiters, HoldTheirBoundInEveryWindowAndSayExactlyWhenTheNextPass) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    expect_bound(TokenBucket({limit}, 5), limit + 5, seed);
    expect_bound(LeakyBucket({{limit}, 5, 5}), limit + 6, seed);
    expect_bound(FixedWindow({limit, window}), 2 * limit, seed);
    expect_bound(SlidingCounter({limit, window}), 2 * limit, seed);
    expect_bound(SlidingLog({limit, window}), limit, seed);
    expect_bound(SlidingLog({limit, window}, 3), limit, seed);
  }
}

TEST(RateLimiters, PassTheirRateWithinOnePercentAtFiveTimesTheLoad) {
  const auto passed_in_10_s = [](auto limiter) {
    std::uint64_t passed = 0;
    for (TimePoint now{100s}; now < TimePoint{110s}; now += 200us) passed += try_take(limiter, 1, now).has_value();
    return static_cast<double>(passed);
  };
  EXPECT_NEAR(passed_in_10_s(TokenBucket({1000}, 10)), 10'000, 100);
  EXPECT_NEAR(passed_in_10_s(LeakyBucket({{1000}, 10, 10})), 10'000, 100);
  EXPECT_NEAR(passed_in_10_s(FixedWindow({1000, 1s})), 10'000, 100);
  EXPECT_NEAR(passed_in_10_s(SlidingLog({1000, 1s})), 10'000, 100);
  EXPECT_NEAR(passed_in_10_s(SlidingCounter({100, 100ms})), 10'000, 100);
}

TEST(RateLimiters, AreWholeAgainWhenTheySaySo) {
  const auto expect_whole = [](auto limiter) {
    const TimePoint now{100s};
    ASSERT_TRUE(is_whole(limiter, now));
    ASSERT_TRUE(try_take(limiter, 3, now));
    const Duration reset = limiter.facts(now).reset;
    EXPECT_FALSE(is_whole(limiter, now + reset - 1ns));
    EXPECT_TRUE(is_whole(limiter, now + reset));
    EXPECT_EQ(limiter.facts(now + reset).remaining, limiter.facts(now).limit);
  };
  expect_whole(TokenBucket({7}, 5));
  expect_whole(LeakyBucket({{7}, 5, 2}));
  expect_whole(FixedWindow({5, 1s}));
  expect_whole(SlidingCounter({5, 1s}));
  expect_whole(SlidingLog({5, 1s}));
}

}  // namespace
}  // namespace weir::flow
