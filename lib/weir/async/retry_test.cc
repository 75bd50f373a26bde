#include <weir/async/coroutines_for_test.h>
#include <weir/async/retry.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gmock/gmock.h>

#include <vector>

namespace weir::async {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

Error again(Duration retry_after = 0s) { return {Error::Kind::overloaded, "busy", retry_after}; }
Error cut() { return {Error::Kind::disconnected, "connection reset", Duration{0}}; }
Error no() { return {Error::Kind::failed, "no such table", Duration{0}}; }

/// Answers what is prepared, then works. Both faces are driven by the same script; time passes only in waits.
struct RetryTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  flow::DestinationConfig config{
      .backoff = {.base = 100ms, .cap = 10s, .jitter = flow::BackoffConfig::Jitter::additive, .additive_most = 0ns}};
  std::unique_ptr<DestinationGuard> to;
  std::vector<Error> script;
  int calls = 0;
  std::vector<Duration> waits;
  Duration each_call{0};

  Result<int> call() {
    clock.advance(each_call);
    const auto n = static_cast<std::size_t>(calls++);
    if (n < script.size()) return std::unexpected(script[n]);
    return 42;
  }
  void make() { to = std::make_unique<DestinationGuard>(config, context, 1); }
  Tried<int> blocking(Duration most_time = 1h, int most_attempts = 3) {
    if (!to) make();
    return retry_for(
        *to, [this] { return call(); }, most_time, most_attempts,
        [this](Duration time) {
          waits.push_back(time);
          clock.advance(time);
        });
  }
  Tried<int> awaited(TimePoint deadline = never, int most_attempts = 3) {
    if (!to) make();
    std::optional<Tried<int>> answer;
    spawn(io, into_answer(answer, deadline, most_attempts));
    for (int i = 0; i < 100 && !answer; ++i) run_ready(io);
    return *answer;
  }
  boost::asio::awaitable<void> into_answer(std::optional<Tried<int>>& answer, TimePoint deadline, int most_attempts) {
    auto fn = [this]() -> boost::asio::awaitable<Result<int>> { co_return call(); };
    auto sleep = [this](Duration time) -> boost::asio::awaitable<void> {
      waits.push_back(time);
      clock.advance(time);
      co_return;
    };
    answer = co_await retry(*to, fn, deadline, most_attempts, sleep);
  }
  boost::asio::io_context io;
};

TEST_F(RetryTest, GivesTheValueOfTheFirstAttemptThatWorks) {
  script = {cut(), cut()};
  EXPECT_EQ(blocking().value(), 42);
  EXPECT_EQ(calls, 3);
  EXPECT_THAT(waits, ElementsAre(100ms, 200ms)) << "the destination's backoff";
  EXPECT_EQ(to->stats().retries, 2u);
  EXPECT_EQ(to->stats().failures, 2u);
  EXPECT_EQ(to->stats().ok, 1u);
}

TEST_F(RetryTest, AwaitedItIsTheSame) {
  script = {cut(), cut()};
  EXPECT_EQ(awaited().value(), 42);
  EXPECT_THAT(waits, ElementsAre(100ms, 200ms));
  EXPECT_EQ(to->stats().retries, 2u);
  EXPECT_EQ(to->stats().in_flight, 0u);
}

TEST_F(RetryTest, GivesUpAfterItsAttemptsWithTheLastError) {
  script = std::vector<Error>(9, cut());
  const auto answer = blocking();
  ASSERT_FALSE(answer);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(answer.error().attempts, 3);
  EXPECT_FALSE(answer.error().refusal);
  EXPECT_EQ(answer.error().what(), "given up after 3 attempts; the last one: connection reset");
  EXPECT_EQ(waits.size(), 2u) << "nothing is waited for after the last one";
}

TEST_F(RetryTest, WaitsAsLongAsTheOtherSideSaidAndTakesThatForNoFailure) {
  script = {again(3s)};
  EXPECT_TRUE(blocking());
  EXPECT_THAT(waits, ElementsAre(3s));
  EXPECT_EQ(to->stats().refusals, 1u);
  EXPECT_EQ(to->stats().failures, 0u);
}

TEST_F(RetryTest, DoesNotRepeatWhatWillFailAgain) {
  script = {no()};
  const auto answer = blocking();
  ASSERT_FALSE(answer);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(answer.error().last->message, "no such table");
  EXPECT_EQ(to->stats().failures, 0u) << "the other side answered";
}

TEST_F(RetryTest, AnOpenBreakerEndsItAtOnce) {
  config.breaker.consecutive_failures = 2;
  script = std::vector<Error>(9, cut());
  const auto answer = blocking(1h, 9);
  ASSERT_FALSE(answer);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(answer.error().refusal->reason, Reason::breaker_open);
  EXPECT_EQ(answer.error().what(), "breaker_open after 2 attempts; the last one: connection reset");
  const auto next = blocking();
  ASSERT_FALSE(next);
  EXPECT_EQ(calls, 2) << "nothing reaches the other side";
  EXPECT_EQ(next.error().what(), "breaker_open after 0 attempts");
}

TEST_F(RetryTest, AnEmptyRetryBudgetEndsItAndFirstAttemptsGoOn) {
  config.breaker.consecutive_failures = 0;
  config.retry_budget = {.ratio = 0.0, .minimum = {0}, .window = 1h};  // one retry a window
  script = std::vector<Error>(9, cut());
  EXPECT_EQ(blocking().error().refusal->reason, Reason::retry_budget_empty);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(blocking().error().attempts, 1);
  EXPECT_EQ(calls, 3);
}

TEST_F(RetryTest, DoesNotWaitForAnAttemptThatCouldNotStartInTime) {
  script = std::vector<Error>(9, again(3s));
  const auto answer = blocking(2s);
  ASSERT_FALSE(answer);
  EXPECT_THAT(waits, IsEmpty());
  EXPECT_EQ(answer.error().refusal->reason, Reason::deadline_exceeded);
  EXPECT_EQ(answer.error().refusal->retry_after, 3s);
}

TEST_F(RetryTest, StartsNothingAfterItsDeadline) {
  each_call = 600ms;
  script = std::vector<Error>(9, cut());
  const auto answer = blocking(1s, 9);
  EXPECT_EQ(calls, 2) << "at 0 and at 700 ms; at 1300 ms it is late";
  EXPECT_EQ(answer.error().refusal->reason, Reason::deadline_exceeded);
  const auto never_began = awaited(context.now());
  EXPECT_EQ(never_began.error().attempts, 0);
}

TEST_F(RetryTest, TheDeadlineCancelsAnAttemptThatRunsAndCountsItAsAFailure) {
  make();
  std::optional<Tried<int>> answer;
  bool ended = false;
  auto stuck = [&]() -> boost::asio::awaitable<Result<int>> {
    struct AtEnd {
      bool& flag;
      ~AtEnd() { flag = true; }
    } at_end{ended};
    boost::asio::steady_timer timer(io, boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return 1;
  };
  auto run = [&]() -> boost::asio::awaitable<void> { answer = co_await retry(*to, stuck, context.now() + 1ns); };
  spawn(io, run());
  io.run_for(30s);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(ended);
  EXPECT_EQ(answer->error().refusal->reason, Reason::deadline_exceeded);
  EXPECT_EQ(to->stats().failures, 1u);
}

TEST_F(RetryTest, WhatIsThrownGoesThroughAndIsNoEvidence) {
  make();
  const auto throws = []() -> Result<int> { throw std::runtime_error("defect"); };
  EXPECT_THROW((void)retry_for(*to, throws, 1h), std::runtime_error);
  EXPECT_EQ(to->stats().failures, 0u);
  EXPECT_EQ(to->stats().in_flight, 0u);
}

TEST_F(RetryTest, AnOperationMayGiveNothing) {
  make();
  EXPECT_TRUE(retry_for(*to, [] { return Result<void>(); }, 1h));
}

}  // namespace
}  // namespace weir::async
