#include <weir/async/coroutines_for_test.h>
#include <weir/async/with_deadline.h>

#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <stdexcept>

namespace weir::async {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

/// Counts frames that are alive: what it is handed to has ended when it is 0.
struct Alive {
  explicit Alive(int& count) : count_(count) { ++count_; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --count_; }
  int& count_;
};

asio::awaitable<std::unique_ptr<int>> answer_after(Duration wait, int& alive) {
  const Alive frame(alive);
  asio::steady_timer timer(co_await asio::this_coro::executor, wait);
  co_await timer.async_wait(asio::use_awaitable);
  co_return std::make_unique<int>(42);  // a type without a default worth having, moved all the way
}

struct WithDeadline : testing::Test {
  int alive = 0;
  std::optional<std::unique_ptr<int>> reply;
  bool returned = false;
  asio::io_context io;

  void ask(Duration wait, Duration most) {
    spawn(io, asking(*this, wait, most));
    io.run();
  }
  static asio::awaitable<void> asking(WithDeadline& t, Duration wait, Duration most) {
    t.reply = co_await with_deadline(answer_after(wait, t.alive), most);
    EXPECT_EQ(t.alive, 0) << "it returned before the operation had ended";
    t.returned = true;
  }
};

TEST_F(WithDeadline, GivesTheValueWhenTheOperationIsFirst) {
  ask(1ms, 1h);
  ASSERT_TRUE(reply);
  EXPECT_EQ(**reply, 42);  // and run() returned, so the timer of an hour is gone
}

TEST_F(WithDeadline, GivesNothingWhenTheDeadlineIsFirstAndEndsTheOperation) {
  ask(1h, 1ms);
  EXPECT_TRUE(returned);
  EXPECT_FALSE(reply);
}

TEST_F(WithDeadline, CancelsAtOnceWithADeadlineOfNothing) {
  ask(1h, Duration{0});
  EXPECT_TRUE(returned);
  EXPECT_FALSE(reply);
}

TEST_F(WithDeadline, WaitsForeverWithTheLongestDeadline) {
  ask(1ms, Duration::max());
  EXPECT_TRUE(reply);
}

TEST_F(WithDeadline, EndsTheOperationWhenItIsToldToStop) {
  Stop stop;
  bool given = true;
  auto stopped = [&]() -> asio::awaitable<void> {
    given = (co_await with_deadline(answer_after(1h, alive), 1h, &stop)).has_value();
  };
  spawn(io, stopped());
  io.poll();
  EXPECT_EQ(alive, 1);
  stop.ask();
  io.run();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(given);
  spawn(io, stopped());  // it was told before it began
  io.restart();
  io.run();
  EXPECT_FALSE(given);
}

TEST_F(WithDeadline, AStopThatComesAfterTheValueChangesNothing) {
  Stop stop;
  bool given = false;
  auto run = [&]() -> asio::awaitable<void> {
    given = (co_await with_deadline(answer_after(1ms, alive), 1h, &stop)).has_value();
  };
  spawn(io, run());
  io.run();
  stop.ask();
  EXPECT_TRUE(given);
}

TEST_F(WithDeadline, SurvivesOperationAndDeadlineAtTheSameMoment) {
  for (int i = 0; i < 200; ++i) {
    io.restart();
    returned = false;
    ask(std::chrono::microseconds(50), std::chrono::microseconds(50));
    ASSERT_TRUE(returned);
    ASSERT_EQ(alive, 0);
  }
}

TEST_F(WithDeadline, TellsAnOperationWithoutValueByABool) {
  std::vector<bool> ended;
  auto pause = [](Duration wait) -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor, wait);
    co_await timer.async_wait(asio::use_awaitable);
  };
  auto both = [&]() -> asio::awaitable<void> {
    ended.push_back(co_await with_deadline(pause(1ms), 1h));
    ended.push_back(co_await with_deadline(pause(1h), 1ms));
  };
  spawn(io, both());
  io.run();
  EXPECT_EQ(ended, (std::vector{true, false}));
}

TEST_F(WithDeadline, LetsWhatTheOperationThrowsThrough) {
  auto fails = []() -> asio::awaitable<int> {
    throw std::runtime_error("broken");
    co_return 0;
  };
  spawn(io, [](auto& f) -> asio::awaitable<void> { co_await with_deadline(f(), 1h); }(fails));
  EXPECT_THROW(io.run(), std::runtime_error);
}

TEST_F(WithDeadline, CancelsTheOperationWhenTheCallerIsCancelled) {
  asio::cancellation_signal stop;
  std::exception_ptr thrown;
  asio::co_spawn(io, asking(*this, 1h, 1h),
                 asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& e) { thrown = e; }));
  io.poll();
  EXPECT_EQ(alive, 1);
  stop.emit(asio::cancellation_type::terminal);
  io.run();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(returned);
  EXPECT_TRUE(thrown) << "operation_aborted reaches the caller";
}

TEST_F(WithDeadline, CanBeNested) {
  auto inner = [this]() -> asio::awaitable<bool> {
    const auto got = co_await with_deadline(answer_after(1h, alive), 1h);
    co_return got.has_value();
  };
  std::optional<bool> outer = true;
  auto run = [&]() -> asio::awaitable<void> { outer = co_await with_deadline(inner(), 1ms); };
  spawn(io, run());
  io.run();
  EXPECT_EQ(outer, std::nullopt);
  EXPECT_EQ(alive, 0);
}

TEST_F(WithDeadline, IsCleanedUpWithTheContextItWaitsIn) {
  {
    asio::io_context dying;
    spawn(dying, asking(*this, 1h, 1h));
    dying.poll();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace weir::async
