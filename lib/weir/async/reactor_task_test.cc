#include <gtest/gtest.h>
#include <weir/async/reactor_task.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct ReactorTaskTest : testing::Test {
  boost::asio::io_context reactor;
  int turns = 0;
  std::unique_ptr<ReactorTask> task = std::make_unique<ReactorTask>(reactor, [this] { ++turns; });
};

TEST_F(ReactorTaskTest, TakesOneTurnForAllWhoAskBeforeIt) {
  for (int i = 0; i < 5; ++i) task->schedule();
  EXPECT_EQ(turns, 0) << "it is posted, not called";
  reactor.run();
  EXPECT_EQ(turns, 1);
}

TEST_F(ReactorTaskTest, TakesAnotherTurnWhenAskedWithinOne) {
  task = std::make_unique<ReactorTask>(reactor, [this] {
    if (++turns < 3) task->schedule();
  });
  task->schedule();
  reactor.run();
  EXPECT_EQ(turns, 3);
}

TEST_F(ReactorTaskTest, AShorterSleepReplacesTheOneBefore) {
  task->sleep(1h);
  task->sleep(1ns);
  reactor.run();
  EXPECT_EQ(turns, 1);
}

TEST_F(ReactorTaskTest, ALongerSleepLeavesTheOneBefore) {
  task->sleep(1ns);
  task->sleep(1h);
  reactor.run();
  EXPECT_EQ(turns, 1);
}

TEST_F(ReactorTaskTest, SleepsAgainAfterASleepAndAfterACancelledOne) {
  task = std::make_unique<ReactorTask>(reactor, [this] {
    if (++turns < 3) task->sleep(1ns);
  });
  task->sleep(1h);
  task->cancel_sleep();
  task->sleep(1ns);
  reactor.run();
  EXPECT_EQ(turns, 3);
}

TEST_F(ReactorTaskTest, ACancelledSleepBringsNoTurn) {
  task->sleep(1ns);
  task->cancel_sleep();
  reactor.run();
  EXPECT_EQ(turns, 0);
}

TEST_F(ReactorTaskTest, NothingRunsAfterItsEnd) {
  bool called = false;
  task->schedule();
  task->sleep(1ns);
  boost::asio::post(reactor, task->guarded([&] { called = true; }));
  task.reset();
  reactor.run();
  EXPECT_EQ(turns, 0);
  EXPECT_FALSE(called);
}

TEST_F(ReactorTaskTest, AGuardedHandlerGetsItsArguments) {
  int sum = 0;
  auto handler = task->guarded([&](int a, std::unique_ptr<int> b) { sum = a + *b; });
  handler(1, std::make_unique<int>(2));
  EXPECT_EQ(sum, 3);
}

/// What was written before `schedule` is seen by some turn: a lost one would leave the sum short.
TEST(ReactorTask, LosesNothingThatManyThreadsAskFor) {
  constexpr int threads = 4, each = 5'000;
  boost::asio::io_context reactor;
  std::atomic<int> offered{0};
  int seen = 0;
  ReactorTask task(reactor, [&] { seen += offered.exchange(0, std::memory_order_relaxed); });
  std::vector<std::thread> askers;
  for (int t = 0; t < threads; ++t)
    askers.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        offered.fetch_add(1, std::memory_order_relaxed);
        task.schedule();
      }
    });
  auto work = std::make_unique<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>>(
      reactor.get_executor());
  std::thread loop([&] { reactor.run(); });
  for (auto& asker : askers) asker.join();
  work.reset();
  loop.join();
  EXPECT_EQ(seen, threads * each);
}

}  // namespace
}  // namespace weir::async
