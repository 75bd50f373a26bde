// What users of other rate limiters and limits reported, further ones (reports_test.cc): each test is one such report,
// told as what has to come out.
#include <gtest/gtest.h>
#include <weir/flow/admit/any_limit.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/rate_limit.h>
#include <weir/flow/admit/rates_for_test.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Algorithm = RateLimitConfig::Algorithm;

constexpr std::array all{Algorithm::token_bucket, Algorithm::leaky_bucket, Algorithm::fixed_window,
                         Algorithm::sliding_counter, Algorithm::sliding_log};

RateLimit limiter_of(Algorithm algorithm, std::uint64_t limit, Duration window, std::uint64_t burst) {
  return RateLimit({.algorithm = algorithm, .limit = limit, .window = window, .burst = burst});
}

std::uint64_t passing(RateLimit& limiter, double when, std::uint64_t most = 100'000) {
  std::uint64_t passed = 0;
  while (passed < most && passes(limiter, when)) ++passed;
  return passed;
}

/// Tokens of a long pause overflowed and became a debt.
TEST(Reports, AfterALongPauseAsMuchPassesAsAfterAShortOne) {
  for (const auto algorithm : all)
    for (const double pause : {12 * 3600.0, 400 * 86'400.0, 8e9}) {  // 8e9 s: near the end of time
      RateLimit limiter = limiter_of(algorithm, 1000, 1s, 1000);
      const auto first = passing(limiter, 0);
      EXPECT_EQ(passing(limiter, pause), first) << name(algorithm) << " after " << pause << " s";
    }
}

/// The part of a token that has grown already was not counted.
TEST(Reports, TheWaitCountsThePartOfATokenThatIsThereAlready) {
  for (const auto algorithm : {Algorithm::token_bucket, Algorithm::leaky_bucket}) {
    RateLimit limiter = limiter_of(algorithm, 1, 1s, algorithm == Algorithm::token_bucket ? 1 : 0);
    ASSERT_TRUE(passes(limiter, 0)) << name(algorithm);
    EXPECT_EQ(limiter.ready_in(1, at(0.2)), 800ms) << name(algorithm);
  }
}

/// Above 1000 a second the time between two was rounded to 1 ms, above 2000 to nothing.
TEST(Reports, RatesOfLessThanAMillisecondBetweenTwoHold) {
  for (const auto algorithm : all)
    for (const std::uint64_t limit : {1500u, 5000u, 150'000u}) {
      RateLimit limiter = limiter_of(algorithm, limit, 1s, limit / 100);
      std::uint64_t passed = 0;
      const std::uint64_t asks = 10 * limit;
      for (std::uint64_t i = 0; i < asks; ++i)
        passed += passes(limiter, 2.0 * static_cast<double>(i) / static_cast<double>(asks)).has_value();
      const double expected = 2.0 * static_cast<double>(limit);
      EXPECT_NEAR(static_cast<double>(passed), expected, 0.011 * expected) << name(algorithm) << " " << limit;
    }
}

/// Asking for nothing moved the state, and the next one was refused.
TEST(Reports, AskingForNothingPassesAndChangesNothing) {
  for (const auto algorithm : all) {
    RateLimit limiter = limiter_of(algorithm, 5, 1s, 5);
    const auto whole = passing(limiter, 0);
    EXPECT_EQ(limiter.ready_in(0, at(0)), 0s) << name(algorithm);
    for (int i = 0; i < 1000; ++i) (void)passes(limiter, 10, 0);
    EXPECT_EQ(passing(limiter, 10), whole) << name(algorithm);
  }
}

/// Counters of a period above a second never rotated.
TEST(Reports, WindowsOfEveryLengthEnd) {
  for (const auto algorithm : all)
    for (const Duration window : {Duration(1s), Duration(1min), Duration(1h), Duration(24h)}) {
      RateLimit limiter = limiter_of(algorithm, 10, window, 10);
      const auto whole = passing(limiter, 0);
      EXPECT_EQ(passing(limiter, seconds(window) * 0.05), 0u) << name(algorithm) << " " << seconds(window);
      EXPECT_EQ(passing(limiter, seconds(window) * 2.5), whole) << name(algorithm) << " " << seconds(window);
    }
}

/// A slow client was refused once it had sent as much in all as may come in a window.
TEST(Reports, WhoKeepsToTheRateIsNeverRefusedHoweverLongItGoesOn) {
  for (const auto algorithm : all) {
    RateLimit limiter = limiter_of(algorithm, 20, 10s, 1);
    for (int second = 0; second < 5000; ++second) ASSERT_TRUE(passes(limiter, second)) << name(algorithm) << second;
  }
}

/// The reset of a leaky bucket was that of one hit, however many there were.
TEST(Reports, TheResetCountsAllThatWasTaken) {
  for (const auto algorithm : {Algorithm::token_bucket, Algorithm::leaky_bucket}) {
    RateLimit limiter = limiter_of(algorithm, 10, 1s, 20);
    ASSERT_TRUE(passes(limiter, 0, 5));
    EXPECT_EQ(limiter.facts(at(0)).reset, 500ms) << name(algorithm);
    ASSERT_TRUE(passes(limiter, 0, 10));
    EXPECT_EQ(limiter.facts(at(0)).reset, 1500ms) << name(algorithm);
  }
}

/// More than the quota can ever hold was promised for later.
TEST(Reports, WhatNeverPassesIsPromisedForNoTime) {
  for (const auto algorithm : all) {
    RateLimit limiter = limiter_of(algorithm, 3, 2s, 3);
    EXPECT_EQ(limiter.ready_in(5, at(0)), Duration::max()) << name(algorithm);
    ASSERT_TRUE(passes(limiter, 0));
    EXPECT_EQ(limiter.ready_in(5, at(0.1)), Duration::max()) << name(algorithm);
  }
}

/// Entries of the same instant counted as one, or locked everybody out.
TEST(Reports, WhatComesInOneInstantCountsOneByOne) {
  RateLimit log = limiter_of(Algorithm::sliding_log, 30, 60s, 1);
  EXPECT_EQ(passing(log, 5), 30u);
  EXPECT_EQ(passing(log, 64.9), 0u);
  EXPECT_EQ(passing(log, 65.1), 30u);
}

/// A limit went below what was configured as its least, and above its most.
TEST(Reports, ALimitStaysBetweenItsLeastAndItsMostWhateverIsAnswered) {
  using Any = AnyLimitConfig::Algorithm;
  for (const auto algorithm : {Any::adaptive, Any::aimd, Any::vegas, Any::gradient2}) {
    InFlight<AnyLimit> in_flight(AnyLimit({.algorithm = algorithm, .range = {.start = 10, .least = 5, .most = 20}}, 1));
    std::vector<InFlight<AnyLimit>::Permit> running;
    TimePoint now = at(0);
    for (int i = 0; i < 40'000; ++i, now += 1ms) {
      while (in_flight.has_room()) running.push_back(in_flight.start(now));
      auto first = std::move(running.front());
      running.erase(running.begin());
      (i / 4000) % 2 == 0 ? first.failed(true, now) : first.answered(true, now);
      const auto limit = in_flight.limit().limit();
      ASSERT_GE(limit, 5u) << name(algorithm) << i;
      ASSERT_LE(limit, 20u) << name(algorithm) << i;
    }
    running.clear();
  }
}

}  // namespace
}  // namespace weir::flow
