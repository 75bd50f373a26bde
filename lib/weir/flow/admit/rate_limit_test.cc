#include <gtest/gtest.h>
#include <weir/flow/admit/keyed_rates.h>
#include <weir/flow/admit/rate_limit.h>

#include "rates_for_test.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Algorithm = RateLimitConfig::Algorithm;

constexpr std::array all{Algorithm::token_bucket, Algorithm::leaky_bucket, Algorithm::fixed_window,
                         Algorithm::sliding_counter, Algorithm::sliding_log};

RateLimitConfig config_of(Algorithm algorithm) {
  return {.algorithm = algorithm, .limit = 100, .window = 1s, .burst = 20};
}

TEST(RateLimit, PassesWhatItsAlgorithmSaysAtOnceAndThenNothing) {
  for (const Algorithm algorithm : all) {
    SCOPED_TRACE(name(algorithm));
    const RateLimitConfig config = config_of(algorithm);
    RateLimit limit(config);
    for (std::uint64_t i = 0; i < config.at_once(); ++i) ASSERT_TRUE(try_take(limit, 1, at(0))) << i;
    const auto refused = try_take(limit, 1, at(0));
    ASSERT_FALSE(refused);
    EXPECT_GT(refused.error().retry_after, 0s);
    EXPECT_TRUE(try_take(limit, 1, at(0) + refused.error().retry_after)) << "the time it names holds";
  }
}

TEST(RateLimit, NeverPassesMoreThanBurstAndRateWhateverIsOverdrawnOnce) {
  for (const Algorithm algorithm : {Algorithm::token_bucket, Algorithm::leaky_bucket}) {
    SCOPED_TRACE(name(algorithm));
    const RateLimitConfig config = config_of(algorithm);
    RateLimit limit(config);
    // 70 at a time are more than ever pass at once: each waits until the bucket is whole.
    std::uint64_t passed = 0;
    TimePoint now = at(0);
    for (int i = 0; i < 50; ++i) {
      now += limit.ready_to_overdraw_in(70, now);
      ASSERT_EQ(limit.ready_to_overdraw_in(70, now), 0s);
      limit.charge(70, now);
      passed += 70;
      EXPECT_LE(static_cast<double>(passed), 100 * seconds(now - at(0)) + 20 + 70 + 1e-6);
    }
    EXPECT_GE(static_cast<double>(passed), 0.99 * 100 * seconds(now - at(0)));
  }
}

TEST(RateLimit, LetsNothingPassBeforeWhatWasChargedIsMadeUpFor) {
  for (const Algorithm algorithm : all) {
    SCOPED_TRACE(name(algorithm));
    RateLimit limit(config_of(algorithm));
    limit.charge(150, at(0));
    const Duration wait = limit.ready_in(1, at(0));
    EXPECT_GT(wait, 0s);
    EXPECT_EQ(limit.facts(at(0)).remaining, 0u);
    EXPECT_GT(limit.ready_in(1, at(0) + wait - 1ms), 0s);
    EXPECT_EQ(limit.ready_in(1, at(0) + wait), 0s);
  }
}

TEST(RateLimit, GivesBackWhatDidNotHappen) {
  for (const Algorithm algorithm : all) {
    SCOPED_TRACE(name(algorithm));
    const RateLimitConfig config = config_of(algorithm);
    RateLimit limit(config);
    for (std::uint64_t i = 0; i < config.at_once(); ++i) (void)limit.take(1, at(0));
    limit.give_back(3, at(0));
    EXPECT_EQ(limit.ready_in(3, at(0)), 0s);
    EXPECT_GT(limit.ready_in(4, at(0)), 0s);
  }
}

TEST(RateLimit, NamesTheFirstValueThatCannotBeAsItIsWritten) {
  const auto field = [](RateLimitConfig config) { return check(config).value_or(Unfit{}).field; };
  EXPECT_EQ(field({.limit = 0}), "limit");
  EXPECT_EQ(field({.limit = 10, .window = 0s}), "window");
  EXPECT_EQ(field({.limit = 10, .burst = 0}), "burst");
  EXPECT_EQ(field({.limit = 2'000'000'000, .burst = 1}), "limit") << "above 10^9 a second";
  EXPECT_EQ(field({.algorithm = Algorithm::leaky_bucket, .limit = 10, .burst = 0}), "") << "none may be ahead";
  EXPECT_EQ(field({.algorithm = Algorithm::fixed_window, .limit = 10, .burst = 0}), "") << "a window has no burst";
  EXPECT_THROW(RateLimit({.limit = 0}), std::invalid_argument);
}

TEST(RateLimit, OfAKeyIsChargedForWhatTheKeyBroughtAndNoOtherKeyIs) {
  KeyedRates<RateLimit> table(64, RateLimit(config_of(Algorithm::token_bucket)));
  EXPECT_TRUE(table.try_take(1, 1, at(0)));
  table.charge(1, 219, at(0));
  EXPECT_FALSE(table.try_take(1, 1, at(1.99)));
  EXPECT_TRUE(table.try_take(1, 1, at(2.02)));
  EXPECT_TRUE(table.try_take(2, 20, at(0)));
}

/// gubernator#37: a changed limit did not reach keys that were in the table; and the other way round a change must not
/// be a quota more.
TEST(RateLimit, AChangeReachesKeysThatAreInUseAndIsNoFreshQuotaHoweverOftenItIsMade) {
  for (const auto algorithm : {Algorithm::token_bucket, Algorithm::leaky_bucket, Algorithm::fixed_window,
                               Algorithm::sliding_counter, Algorithm::sliding_log}) {
    const RateLimitConfig many{algorithm, 100, 60s, 100}, few{algorithm, 10, 60s, 10}, more{algorithm, 200, 60s, 200};
    KeyedRates<RateLimit> table(64, RateLimit(many));
    while (table.try_take(1, 1, at(0))) {
    }
    EXPECT_TRUE(table.try_take(3, many.at_once() / 2, at(0)));
    table.become(RateLimit(few));
    EXPECT_FALSE(table.try_take(1, 1, at(0.1))) << name(algorithm);
    EXPECT_EQ(table.facts(1, at(0.1)).limit, few.at_once()) << name(algorithm);
    EXPECT_EQ(table.facts(2, at(0.1)).remaining, few.at_once()) << name(algorithm) << ": it had used nothing";
    EXPECT_EQ(table.facts(3, at(0.1)).remaining, few.at_once() / 2) << name(algorithm) << ": half";
    std::uint64_t passed = 0;
    for (int i = 0; i < 10; ++i) {
      table.become(RateLimit(i % 2 == 0 ? more : few));
      while (table.try_take(1, 1, at(0.2))) ++passed;
    }
    EXPECT_LE(passed, 1u) << name(algorithm) << ": what 200 in a minute make in 0.1 s";
  }
}

/// A rate that was once enormous limited nothing ever after.
TEST(RateLimit, AnEnormousRateThatBecomesASmallOneLimits) {
  for (const auto algorithm : {Algorithm::token_bucket, Algorithm::leaky_bucket, Algorithm::fixed_window,
                               Algorithm::sliding_counter, Algorithm::sliding_log})
    for (const Duration window : {Duration(1s), Duration(24h)}) {
      const std::uint64_t most = algorithm == Algorithm::sliding_log ? 1000 : 1'000'000'000;
      RateLimit limiter({algorithm, most, window, most});
      EXPECT_TRUE(try_take(limiter, most / 2, at(0))) << name(algorithm);
      limiter.become(RateLimit({algorithm, 1, 1s, 2}), at(0));
      int passed = 0;
      for (int i = 0; i < 60; ++i) passed += try_take(limiter, 1, at(i / 60.0)).has_value();
      EXPECT_LE(passed, 1 + 3) << name(algorithm) << ": 1 and what passes at once";
    }
}

}  // namespace
}  // namespace weir::flow
