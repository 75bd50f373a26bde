#include <weir/flow/recover/destination.h>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Try = Destination::Try;

class DestinationTest : public testing::Test {
 protected:
  Destination::Attempt start(Try which = Try::first) { return std::move(destination.try_start(which, now).value()); }
  Rejection refusal(Try which = Try::first) {
    auto attempt = destination.try_start(which, now);
    EXPECT_FALSE(attempt);
    return attempt ? Rejection{} : attempt.error();
  }
  DestinationStats stats() const { return destination.stats(now); }

  TimePoint now{1000s};
  Destination destination{DestinationConfig{}, 1};
};

TEST_F(DestinationTest, LetsAttemptsThroughAndCountsThem) {
  start().ok(now);
  start(Try::retry).failed(now);
  auto open = start();
  EXPECT_EQ(stats().attempts, 3u);
  EXPECT_EQ(stats().retries, 1u);
  EXPECT_EQ(stats().ok, 1u);
  EXPECT_EQ(stats().failures, 1u);
  EXPECT_EQ(stats().last_error_at, now);
  EXPECT_EQ(stats().in_flight, 1u);
  open.ignored();
  EXPECT_EQ(stats().in_flight, 0u);
}

TEST_F(DestinationTest, E1RefusalHoldsEverythingBackForExactlyThatLong) {
  start().refused(3s, now);
  EXPECT_EQ(stats().hold_until, now + 3s);
  now += 1s;
  EXPECT_EQ(refusal().retry_after, 2s);
  EXPECT_EQ(refusal(Try::retry).retry_after, 2s);
  EXPECT_EQ(stats().held_back, 2u);
  now += 2s;
  start().ok(now);
}

TEST_F(DestinationTest, E1RefusalsAreNoFailures) {
  for (int i = 0; i < 50; ++i) {
    start().refused(1s, now);
    now += 1s;
  }
  EXPECT_EQ(stats().breaker, BreakerState::closed);
  EXPECT_EQ(stats().refusals, 50u);
  EXPECT_EQ(stats().failures, 0u);
}

TEST_F(DestinationTest, E1AShorterRefusalDoesNotEndALongerHold) {
  auto a = start(), b = start();
  a.refused(10s, now);
  b.refused(1s, now);
  EXPECT_EQ(refusal().retry_after, 10s);
  EXPECT_EQ(refusal().reason, Reason::destination_hold) << "its breaker is closed";
}

TEST_F(DestinationTest, KeepsStartsARestApartWhoeverStarts) {
  auto first = start();
  now += 5ms;  // it took so long to answer
  first.ok(now, 20ms);
  EXPECT_EQ(refusal().reason, Reason::destination_hold);
  EXPECT_EQ(refusal().retry_after, 15ms) << "a rest counts from the start: a slow answer does not make it longer";
  now += 15ms;
  auto a = start();
  EXPECT_EQ(refusal().retry_after, 20ms) << "a second worker waits although no answer came yet";
  now += 20ms;
  auto b = start();
  a.ok(now, 1s);
  EXPECT_EQ(refusal().retry_after, 1s);
  b.ok(now, 0s);
  start().ok(now);  // nothing is asked for any more
}

TEST_F(DestinationTest, HoldsByItsBackoffWhenARefusalNamesNoTime) {
  DestinationConfig config;
  config.backoff = {.base = 100ms, .cap = 10s, .jitter = BackoffConfig::Jitter::additive, .additive_most = 0ns};
  destination.reconfigure(config);
  for (const auto wait : {100ms, 200ms, 400ms}) {
    start().refused(0ns, now);
    EXPECT_EQ(refusal().retry_after, wait);
    now += wait;
  }
  start().ok(now);
  start().refused(0ns, now);
  EXPECT_EQ(refusal().retry_after, 100ms) << "an answer ends the row";
}

TEST_F(DestinationTest, SurvivesAnAbsurdRetryAfter) {
  start().refused(Duration::max(), now);
  EXPECT_EQ(stats().hold_until, never);
  EXPECT_GT(refusal().retry_after, 1h);
}

TEST_F(DestinationTest, OpensItsBreakerAndSaysWhenTheNextProbeIs) {
  for (int i = 0; i < 5; ++i) start().failed(now);
  EXPECT_EQ(stats().breaker, BreakerState::open);
  EXPECT_EQ(stats().opened, 1u);
  EXPECT_EQ(stats().next_probe_at, now + 10s);
  now += 4s;
  EXPECT_EQ(refusal().reason, Reason::breaker_open);
  EXPECT_EQ(refusal().retry_after, 6s);
  now += 6s;
  start(Try::retry).ok(now);
  EXPECT_EQ(stats().breaker, BreakerState::closed);
}

TEST_F(DestinationTest, ARefusedProbeIsGivenBackAfterItsHold) {
  for (int i = 0; i < 5; ++i) start().failed(now);
  now += 10s;
  start().refused(2s, now);
  EXPECT_EQ(refusal().retry_after, 2s);
  now += 2s;
  start().ok(now);
  EXPECT_EQ(stats().breaker, BreakerState::closed);
}

TEST_F(DestinationTest, E3DelaysRetriesAboveTheBudgetAndNeverEndsThem) {
  DestinationConfig config;
  config.breaker.consecutive_failures = 0;
  config.retry_budget = {.ratio = 0.2, .minimum = {0}, .window = 10s};
  destination.reconfigure(config);
  for (int i = 0; i < 10; ++i) start().failed(now);
  start(Try::retry).failed(now);
  start(Try::retry).failed(now);
  EXPECT_EQ(refusal(Try::retry).reason, Reason::retry_budget_empty);
  const auto wait = refusal(Try::retry).retry_after;
  EXPECT_GT(wait, 0s);
  start().ok(now);
  now += wait;
  start(Try::retry).ok(now);
}

TEST_F(DestinationTest, RefusedRetriesDoNotUseUpTheBudget) {
  DestinationConfig config;
  config.retry_budget = {.ratio = 0, .minimum = {0.1}, .window = 10s};
  destination.reconfigure(config);
  for (int i = 0; i < 5; ++i) start().failed(now);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(refusal(Try::retry).reason, Reason::breaker_open);
  now += 10s;
  start(Try::retry).ok(now);
}

TEST_F(DestinationTest, ARetryWithoutATokenGivesTheProbeBack) {
  DestinationConfig config;
  config.breaker.consecutive_failures = 2;
  config.retry_budget = {.ratio = 0, .minimum = {0}, .window = 60s};
  destination.reconfigure(config);
  start().failed(now);
  start(Try::retry).failed(now);
  now += 10s;
  EXPECT_EQ(refusal(Try::retry).reason, Reason::retry_budget_empty);
  start(Try::first).ok(now);
  EXPECT_EQ(stats().breaker, BreakerState::closed);
}

TEST_F(DestinationTest, AnAttemptThatDiesIsNoEvidence) {
  for (int i = 0; i < 4; ++i) start().failed(now);
  {
    auto dies = start();
  }
  EXPECT_EQ(stats().ok, 0u);
  EXPECT_EQ(stats().in_flight, 0u);
  start().failed(now);
  EXPECT_EQ(stats().breaker, BreakerState::open);
}

TEST_F(DestinationTest, SettlesAnAttemptOnce) {
  auto attempt = start();
  attempt.ok(now);
  attempt.failed(now);
  attempt.refused(1h, now);
  auto moved = std::move(attempt);
  moved.failed(now);
  EXPECT_EQ(stats().failures, 0u);
  start().ok(now);
}

TEST_F(DestinationTest, BacksOffLongerWithEachFailure) {
  DestinationConfig config;
  config.backoff = {.base = 100ms, .cap = 1s, .jitter = BackoffConfig::Jitter::additive, .additive_most = 0ns};
  destination.reconfigure(config);
  EXPECT_EQ(destination.backoff(1), 100ms);
  EXPECT_EQ(destination.backoff(2), 200ms);
  EXPECT_EQ(destination.backoff(5), 1s);
  EXPECT_EQ(destination.backoff(0), 100ms);
}

TEST_F(DestinationTest, KeepsItsStateWhenReconfigured) {
  for (int i = 0; i < 5; ++i) start().failed(now);
  DestinationConfig config;
  config.breaker.open = 2s;
  destination.reconfigure(config);
  EXPECT_EQ(refusal().retry_after, 2s);
  EXPECT_EQ(stats().failures, 5u);
}

}  // namespace
}  // namespace weir::flow
