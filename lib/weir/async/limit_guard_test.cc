#include <weir/async/limit_guard.h>
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/fixed_limit.h>

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct LimitGuardTest : testing::Test {
  ManualClock clock;
  Context context{clock};
};

TEST_F(LimitGuardTest, RefusesAboveTheLimitAndTakesThePlaceBackHoweverThePermitEnds) {
  LimitGuard guard(flow::FixedLimit({2}), context);
  auto first = guard.try_start({});
  {
    const auto dropped = guard.try_start({});
    ASSERT_TRUE(first && dropped);
    const auto refused = guard.try_start({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::concurrency_limited);
  }
  auto again = guard.try_start({});
  ASSERT_TRUE(again);
  again->failed();
  first->ok();
  const auto stats = guard.stats();
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.answered, 1u);
  EXPECT_EQ(stats.failed, 1u);
  EXPECT_EQ(stats.ignored, 1u);
  EXPECT_EQ(stats.refused, 1u);
}

TEST_F(LimitGuardTest, AnAdaptiveLimitLearnsFromReportsWithoutAWaitingRoom) {
  LimitGuard guard(flow::AdaptiveLimit({}), context);
  std::deque<std::pair<TimePoint, Permit>> running;  // 10 ms each, however many there are
  for (int ms = 0; ms < 400; ++ms, clock.advance(1ms)) {
    while (!running.empty() && running.front().first + 10ms <= context.now()) {
      running.front().second.ok();
      running.pop_front();
      while (auto permit = guard.try_start({})) running.emplace_back(context.now(), std::move(*permit));
    }
    while (auto permit = guard.try_start({})) running.emplace_back(context.now(), std::move(*permit));
  }
  EXPECT_GE(guard.stats().limit.limit, 16u);
  running.clear();
  guard.reconfigure(flow::AdaptiveLimitConfig{.range = {.start = 4, .least = 2, .most = 8}});
  EXPECT_EQ(guard.stats().limit.limit, 8u);
}

TEST_F(LimitGuardTest, EightThreadsNeverHaveMoreThanTheLimitAndLeaveNothingBehind) {
  LimitGuard guard(flow::FixedLimit({5}), context);
  std::atomic<int> running = 0, most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < 5000; ++n) {
          auto permit = guard.try_start({});
          if (!permit) continue;
          const int now = ++running;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
          --running;
          if ((n + i) % 3 == 0) permit->ok();
          if ((n + i) % 3 == 1) permit->failed();
        }
      });
  }
  EXPECT_LE(most, 5);
  EXPECT_GE(most, 1);
  const auto stats = guard.stats();
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.started, stats.answered + stats.failed + stats.ignored);
}

}  // namespace
}  // namespace weir::async
