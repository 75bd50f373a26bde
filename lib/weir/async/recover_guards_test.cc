#include <weir/async/recover_guards.h>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct RecoverGuards : testing::Test {
  ManualClock clock;
  Context context{clock};
};

TEST_F(RecoverGuards, BreakerOpensAfterFailuresReportedByPermits) {
  BreakerGuard guard({.consecutive_failures = 2, .open = 10s}, context);
  for (int i = 0; i < 2; ++i) guard.try_start({})->failed();
  const auto answer = guard.try_start({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::breaker_open);
  EXPECT_EQ(answer.error().retry_after, 10s);
}

TEST_F(RecoverGuards, BreakerReadsTheTimeFromItsContext) {
  BreakerGuard guard({.consecutive_failures = 1, .open = 10s}, context);
  guard.try_start({})->failed();
  clock.advance(10s);
  auto probe = guard.try_start({});
  ASSERT_TRUE(probe);
  probe->ok();
  EXPECT_EQ(guard.stats().state, flow::BreakerState::closed);
}

TEST_F(RecoverGuards, AProbeThatIsGivenBackCanBeTakenByTheNext) {
  BreakerGuard guard({.consecutive_failures = 1, .open = 10s}, context);
  guard.try_start({})->failed();
  clock.advance(10s);
  auto probe = guard.try_start({});
  ASSERT_TRUE(probe);
  EXPECT_FALSE(guard.try_start({}));
  probe->unused();
  EXPECT_TRUE(guard.try_start({}));
}

TEST_F(RecoverGuards, BreakerTakesARefusalForNoFailure) {
  BreakerGuard guard({.consecutive_failures = 1}, context);
  guard.try_start({})->refused(1s);
  EXPECT_TRUE(guard.try_start({}));
}

TEST_F(RecoverGuards, DestinationHoldsBackForAsLongAsTheOtherSideSaid) {
  DestinationGuard guard({}, context, 1);
  guard.try_start({})->refused(3s);
  clock.advance(1s);
  const auto answer = guard.try_start({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().retry_after, 2s);
  clock.advance(2s);
  EXPECT_TRUE(guard.try_start({}));
}

TEST_F(RecoverGuards, DestinationIsLeftAloneForTheRestThatASuccessAsksFor) {
  DestinationGuard guard({}, context, 1);
  guard.try_start({})->ok(2s);
  const auto answer = guard.try_start({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::destination_hold);
  EXPECT_EQ(answer.error().retry_after, 2s);
  clock.advance(2s);
  EXPECT_TRUE(guard.try_start({}));
}

TEST_F(RecoverGuards, RetriesDrawOnTheBudgetAndFirstAttemptsDoNot) {
  flow::DestinationConfig config;
  config.retry_budget = {.ratio = 0.0, .minimum = PerSecond{0}};
  DestinationGuard guard(config, context, 1);
  EXPECT_TRUE(guard.try_start({.retry = true})) << "one a window is always allowed";
  const auto retry = guard.try_start({.retry = true});
  ASSERT_FALSE(retry);
  EXPECT_EQ(retry.error().reason, Reason::retry_budget_empty);
  EXPECT_TRUE(guard.try_start({.retry = false}));
}

TEST_F(RecoverGuards, CountsWhatThreadsReportExactly) {
  flow::DestinationConfig config;
  config.breaker.consecutive_failures = 0;
  DestinationGuard guard(config, context, 1);
  constexpr int each = 30'000;
  std::atomic<int> ready = 0;
  auto work = [&] {
    for (++ready; ready < 2;) std::this_thread::yield();
    for (int i = 0; i < each; ++i) {
      auto permit = guard.try_start({});
      ASSERT_TRUE(permit);
      if (i % 3 == 0) permit->failed();
      if (i % 3 == 1) permit->ok();
    }
  };
  std::thread other(work);
  work();
  other.join();
  const auto stats = guard.stats();
  EXPECT_EQ(stats.attempts, 2u * each);
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.failures, 2u * ((each + 2) / 3));
  EXPECT_EQ(stats.ok, 2u * ((each + 1) / 3));
}

}  // namespace
}  // namespace weir::async
