// What users of other limiters reported: each test is one such report, told as what has to come out.
#include <gtest/gtest.h>
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/aimd_limit.h>
#include <weir/flow/admit/fair_shares.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/rate_limit.h>
#include <weir/flow/admit/rates_for_test.h>

#include <map>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Algorithm = RateLimitConfig::Algorithm;

constexpr std::array all{Algorithm::token_bucket, Algorithm::leaky_bucket, Algorithm::fixed_window,
                         Algorithm::sliding_counter, Algorithm::sliding_log};

RateLimit five_a_second(Algorithm algorithm) {
  return RateLimit({.algorithm = algorithm, .limit = 5, .window = 1s, .burst = 5});
}

int passing(RateLimit& limiter, double when) {
  int passed = 0;
  while (passed < 100 && passes(limiter, when)) ++passed;
  return passed;
}

TEST(Reports, APauseBringsNoUnitBeyondWhatPassesAtOnce) {
  for (const auto algorithm : all) {
    RateLimit limiter = five_a_second(algorithm);
    const int first = passing(limiter, 0);
    EXPECT_EQ(first, algorithm == Algorithm::leaky_bucket ? 6 : 5) << name(algorithm);
    EXPECT_EQ(passing(limiter, 2), first) << name(algorithm);
    EXPECT_EQ(passing(limiter, 1000), first) << name(algorithm);
  }
}

TEST(Reports, ATimeThatIsEarlierThanTheLastLocksNobodyOutForLongerThanTheLimiterRemembers) {
  for (const auto algorithm : all) {
    RateLimit limiter = five_a_second(algorithm);
    passing(limiter, 100'000);
    RateLimit back = limiter;
    EXPECT_EQ(passing(back, 99'999.9), 0) << name(algorithm) << ": and brings nothing";
    passing(limiter, 99'990);
    EXPECT_GE(passing(limiter, 100'002.1), 5) << name(algorithm);
  }
}

TEST(Reports, ASlidingLogWaitsForItsOldestEntryAndNotForAWholeWindow) {
  SlidingLog log({.limit = 10, .length = 60s});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(passes(log, 2 * i));
  EXPECT_EQ(seconds(log.ready_in(1, at(20))), 40);
  EXPECT_EQ(seconds(log.ready_in(2, at(20))), 42);
}

TEST(Reports, TheResetIsTheTimeUntilTheQuotaIsWhole) {
  TokenBucket bucket(PerSecond{0.2}, 2);
  ASSERT_TRUE(passes(bucket, 0));
  EXPECT_EQ(quota(bucket, 0), (Quota{1, 5}));
  EXPECT_EQ(quota(bucket, 5), (Quota{2, 0})) << "and never negative";
  EXPECT_EQ(quota(bucket, 5000), (Quota{2, 0}));
}

TEST(Reports, ADebtThatNoTimeCanPayIsStillATimeInTheFuture) {
  for (const auto algorithm : all) {
    RateLimit limiter({.algorithm = algorithm, .limit = 1, .window = 24h, .burst = 1});
    for (int i = 0; i < 3; ++i) limiter.charge(1'000'000'000'000'000, at(0));
    EXPECT_GT(limiter.ready_to_overdraw_in(1, at(1)), 0s) << name(algorithm);
    EXPECT_GE(limiter.facts(at(1)).reset, 0s) << name(algorithm);
    EXPECT_EQ(limiter.facts(at(1)).remaining, 0u) << name(algorithm);
  }
}

TEST(Reports, WhatIsLargerThanAnyQuotaStartsOnceTheQuotaIsWhole) {
  for (const auto algorithm : all) {
    RateLimit limiter = five_a_second(algorithm);
    EXPECT_EQ(limiter.ready_to_overdraw_in(1000, at(0)), 0s) << name(algorithm);
    limiter.charge(1, at(0));
    const Duration wait = limiter.ready_to_overdraw_in(1000, at(0));
    EXPECT_GT(wait, 0s) << name(algorithm);
    EXPECT_LE(wait, 2s) << name(algorithm);
  }
}

/// Work that comes at an even pace to a service of `slots`, each busy for `time` a piece; what does not start is gone.
template <ConcurrencyLimit L>
class Service {
 public:
  Service(L limit, std::size_t slots, Duration time) : limit_(std::move(limit)), free_(slots), time_(time) {}

  /// Answered in `spell`, at `load` times what the service can do; every `fails`th fails (0: none), all of them: 1.
  int answered_in(Duration spell, double load, int fails) {
    const auto gap = Duration(
        static_cast<Duration::rep>(static_cast<double>(time_.count()) / static_cast<double>(free_.size()) / load));
    int answered = 0;
    for (const TimePoint until = now_ + spell; now_ < until; now_ += gap) {
      while (!running_.empty() && running_.begin()->first <= now_) answered += end_first(fails);
      auto permit = limit_.try_start(now_);
      if (!permit) continue;
      const auto slot = std::ranges::min_element(free_);
      *slot = std::max(*slot, now_) + time_;
      running_.emplace(*slot, std::move(*permit));
    }
    return answered;
  }
  std::uint32_t limit() const { return limit_.limit().limit(); }

 private:
  bool end_first(int fails) {
    auto first = running_.extract(running_.begin());
    const bool failed = fails != 0 && ++ended_ % fails == 0;
    failed ? first.mapped().failed(true, first.key()) : first.mapped().answered(true, first.key());
    return !failed;
  }

  InFlight<L> limit_;
  std::vector<TimePoint> free_;
  const Duration time_;
  TimePoint now_{100s};
  int ended_ = 0;
  std::multimap<TimePoint, typename InFlight<L>::Permit> running_;
};

template <ConcurrencyLimit L>
void expect_recovery(L limit) {
  Service service(std::move(limit), 8, 10ms);  // 800 a second
  service.answered_in(5s, 2, 0);
  service.answered_in(10s, 2, 1);
  EXPECT_LE(service.limit(), 8u) << "nothing works";
  service.answered_in(10s, 2, 50);
  EXPECT_GE(service.answered_in(5s, 2, 50), 0.9 * 4000) << "one in fifty still fails";
}

TEST(Reports, ALimitComesBackWhileAFewStillFail) {
  expect_recovery(AdaptiveLimit({}));
  expect_recovery(AimdLimit({}));
}

TEST(Reports, AServiceOfMicrosecondsIsNotLimitedToNothing) {
  Service service(AdaptiveLimit({}), 4, 25us);  // 160 000 a second
  service.answered_in(2s, 2, 0);
  EXPECT_GE(service.limit(), 1u);
  EXPECT_GE(service.answered_in(1s, 2, 0), 0.9 * 160'000);
  Service light(AdaptiveLimit({}), 4, 25us);
  light.answered_in(2s, 0.0625,
                    0);  // a quarter of one of its slots: about one in four moments finds anything in flight
  EXPECT_GE(light.answered_in(1s, 0.0625, 0), 0.999 * 10'000);
}

TEST(Reports, AShareThatWasNeverEmptyButAskedForLessSavesUpNothing) {
  FairShares fair(
      2);  // a service of three a round; the first share asks for four, the second for one and then for four
  std::array<int, 2> served{};
  const auto round = [&](int second) {
    for (int i = 0; i < 4; ++i)
      if (fair.waiting(0) < 40) fair.joined(0, 1);
    for (int i = 0; i < second; ++i)
      if (fair.waiting(1) < 40) fair.joined(1, 1);
    for (int i = 0; i < 3; ++i) {
      const auto share = *fair.next();
      fair.served(share, 1);
      ++served[share];
    }
  };
  fair.joined(1, 1);  // one of it waits at every moment
  for (int i = 0; i < 1000; ++i) round(1);
  EXPECT_NEAR(served[1], 1000, 2);
  served = {};
  for (int i = 0; i < 100; ++i) round(4);
  EXPECT_NEAR(served[0], 150, 2);
  EXPECT_NEAR(served[1], 150, 2);
}

TEST(Reports, ANewcomerGetsItsShareAndNotTheTurnsThatOthersHadBefore) {
  FairShares fair(4);
  for (std::uint32_t share = 0; share < 3; ++share)
    for (int i = 0; i < 10; ++i) fair.joined(share, 1);
  for (int i = 0; i < 3000; ++i) {
    const auto share = *fair.next();
    fair.served(share, 1);
    fair.joined(share, 1);
  }
  for (int i = 0; i < 30; ++i) fair.joined(3, 1);
  int newcomer = 0;
  for (int i = 0; i < 40; ++i) {
    const auto share = *fair.next();
    fair.served(share, 1);
    fair.joined(share, 1);
    newcomer += share == 3;
  }
  EXPECT_EQ(newcomer, 10);
}

}  // namespace
}  // namespace weir::flow
