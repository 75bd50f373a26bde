#include <weir/base/rng.h>
#include <weir/flow/recover/retry_budget.h>
#include <weir/flow/recover/retry_throttle.h>

#include <gtest/gtest.h>

#include <deque>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{500s};

int retries_at_once(RetryBudget& budget, TimePoint now) {
  int n = 0;
  while (n < 100'000 && budget.try_retry(now)) ++n;
  return n;
}

TEST(RetryBudget, AllowsItsShareOfTheFirstAttempts) {
  RetryBudget budget({.ratio = 0.2, .minimum = {0}, .window = 10s});
  for (int i = 0; i < 1000; ++i) budget.on_attempt(t0);
  EXPECT_EQ(retries_at_once(budget, t0), 200);
}

TEST(RetryBudget, AllowsAQuietFlowItsMinimum) {
  RetryBudget budget({.ratio = 0.2, .minimum = {10}, .window = 10s});
  EXPECT_EQ(retries_at_once(budget, t0), 100);
  EXPECT_EQ(retries_at_once(budget, t0 + 9s), 0);
  EXPECT_EQ(retries_at_once(budget, t0 + 11s), 100);
}

TEST(RetryBudget, ForgetsAttemptsAfterItsWindow) {
  RetryBudget budget({.ratio = 0.5, .minimum = {0}, .window = 10s});
  for (int i = 0; i < 100; ++i) budget.on_attempt(t0);
  EXPECT_EQ(retries_at_once(budget, t0 + 11s), 1) << "only the one that is always allowed";
}

TEST(RetryBudget, DelaysAndNeverEndsRetries) {
  RetryBudget budget({.ratio = 0, .minimum = {0}, .window = 10s});
  auto now = t0;
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(budget.try_retry(now));
    EXPECT_FALSE(budget.try_retry(now));
    EXPECT_LE(budget.time_to_token(now), 10'500ms);
    now += budget.time_to_token(now);
  }
}

TEST(RetryBudget, NamesTheExactTimeToAToken) {
  RetryBudget budget({.ratio = 0.1, .minimum = {1}, .window = 10s});
  Rng rng(4);
  auto now = t0;
  for (int i = 0; i < 2000; ++i) {
    now += Duration(static_cast<Duration::rep>(rng.below(300'000'000)));
    if (rng.below(3)) budget.on_attempt(now);
    const auto wait = budget.time_to_token(now);
    if (wait > 0ns) {
      auto early = budget, then = budget;
      ASSERT_FALSE(early.try_retry(now + wait - 1ns));
      ASSERT_TRUE(then.try_retry(now + wait));
    }
    ASSERT_EQ(budget.try_retry(now), wait == 0ns);
  }
}

TEST(RetryBudget, HoldsOverEveryWindowNotOnlyAlignedOnes) {
  RetryBudget budget({.ratio = 0, .minimum = {2}, .window = 10s});
  std::deque<TimePoint> retries;
  for (auto now = t0; now < t0 + 100s; now += 37ms) {
    if (!budget.try_retry(now)) continue;
    retries.push_back(now);
    while (retries.front() <= now - 10s) retries.pop_front();
    ASSERT_LE(retries.size(), 20u);
  }
}

TEST(RetryBudget, KeepsItsCountsWhenReconfigured) {
  RetryBudget budget({.ratio = 0.1, .minimum = {0}, .window = 10s});
  for (int i = 0; i < 100; ++i) budget.on_attempt(t0);
  EXPECT_EQ(retries_at_once(budget, t0), 10);
  budget.reconfigure({.ratio = 0.3, .minimum = {0}, .window = 10s});
  EXPECT_EQ(retries_at_once(budget, t0), 20);
}

TEST(RetryThrottle, VectorRbFourFailuresMayRetryFiveMayNot) {
  RetryThrottle t(10, 0.1);
  for (int i = 0; i < 4; ++i) t.on_failure();
  EXPECT_TRUE(t.may_retry());
  t.on_failure();
  EXPECT_FALSE(t.may_retry());
}

TEST(RetryThrottle, VectorRbFromEmptyFiftySuccessesMayNotRetryFiftyOneMay) {
  RetryThrottle t(10, 0.1);
  for (int i = 0; i < 30; ++i) t.on_failure();
  for (int i = 0; i < 50; ++i) t.on_ok();
  EXPECT_FALSE(t.may_retry());
  t.on_ok();
  EXPECT_TRUE(t.may_retry());
}

TEST(RetryThrottle, NeverHoldsMoreThanItsMaximum) {
  RetryThrottle t(10, 0.1);
  for (int i = 0; i < 1000; ++i) t.on_ok();
  for (int i = 0; i < 5; ++i) t.on_failure();
  EXPECT_FALSE(t.may_retry());
}

}  // namespace
}  // namespace weir::flow
