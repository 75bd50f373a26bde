#include <weir/flow/recover/breaker.h>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Window = BreakerConfig::Window;
using Mode = Breaker::Mode;

class BreakerTest : public testing::Test {
 protected:
  void fail(Breaker& b, int times = 1) {
    for (int i = 0; i < times; ++i) b.try_start(now).value().failed(now);
  }
  void succeed(Breaker& b, int times = 1) {
    for (int i = 0; i < times; ++i) b.try_start(now).value().ok(now);
  }
  void take(Breaker& b, Duration duration, bool failed = false) {
    auto permit = b.try_start(now).value();
    now += duration;
    failed ? permit.failed(now) : permit.ok(now);
  }
  BreakerState state(const Breaker& b) const { return b.stats(now).state; }

  TimePoint now{1000s};
};

// The configuration of the published vectors (CB).
BreakerConfig vector_config() {
  BreakerConfig c;
  c.consecutive_failures = 0;
  c.window = Window::time;
  c.window_time = 20s;
  c.minimum_calls = 5;
  c.failure_rate = 0.5;
  c.slow_call = 4s;
  c.slow_rate = 0.5;
  c.half_open_calls = 4;
  c.open = 5s;
  c.half_open_wait = 1s;
  return c;
}

TEST_F(BreakerTest, OpensAfterFiveFailuresInARow) {
  Breaker b(BreakerConfig{});
  fail(b, 4);
  EXPECT_EQ(state(b), BreakerState::closed);
  fail(b);
  EXPECT_EQ(state(b), BreakerState::open);
  EXPECT_EQ(b.stats(now).opened, 1u);
}

TEST_F(BreakerTest, StaysClosedWhenASuccessBreaksTheRow) {
  Breaker b(BreakerConfig{});
  for (int i = 0; i < 10; ++i) {
    fail(b, 4);
    succeed(b);
  }
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, RefusesWithTheExactTimeToTheNextProbe) {
  Breaker b(BreakerConfig{});
  fail(b, 5);
  now += 3s;
  const auto refused = b.try_start(now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::breaker_open);
  EXPECT_EQ(refused.error().retry_after, 7s);
  EXPECT_EQ(b.stats(now).next_probe_at, now + 7s);
  EXPECT_TRUE(b.try_start(now + 7s));
}

TEST_F(BreakerTest, VectorCbThreeFailuresAndTwoSuccessesOpenAtTheFifthCall) {
  Breaker b(vector_config());
  fail(b, 3);
  succeed(b);
  EXPECT_EQ(b.stats(now).failure_rate, std::nullopt);
  EXPECT_EQ(state(b), BreakerState::closed);
  succeed(b);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, VectorCbRateIsKnownFromTheFifthCall) {
  Breaker b(vector_config());
  b.force(Mode::forced_closed);
  fail(b, 3);
  succeed(b);
  EXPECT_EQ(b.stats(now).failure_rate, std::nullopt);
  succeed(b);
  EXPECT_DOUBLE_EQ(b.stats(now).failure_rate.value(), 0.6);
}

TEST_F(BreakerTest, VectorCbThreeSlowOfFiveOpen) {
  Breaker b(vector_config());
  auto start = [&] { return b.try_start(now).value(); };
  std::vector<Breaker::Permit> slow;
  for (int i = 0; i < 3; ++i) slow.push_back(start());
  now += 5s;
  slow[0].ok(now);
  slow[1].ok(now);
  succeed(b, 2);
  EXPECT_EQ(state(b), BreakerState::closed);
  slow[2].ok(now);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, VectorCbHalfOpensOnlyAfterTheWaitAndLetsExactlyFourProbesOut) {
  Breaker b(vector_config());
  fail(b, 5);
  now += 3s;
  EXPECT_FALSE(b.try_start(now));
  EXPECT_EQ(state(b), BreakerState::open);
  now += 3s;
  std::vector<Breaker::Permit> probes;
  for (int i = 0; i < 4; ++i) probes.push_back(b.try_start(now).value());
  EXPECT_EQ(state(b), BreakerState::half_open);
  EXPECT_EQ(b.stats(now).failure_rate, std::nullopt);
  EXPECT_FALSE(b.try_start(now));
  probes[0].ok(now);
  EXPECT_FALSE(b.try_start(now)) << "a probe that has reported is used up";
  for (auto& p : probes) p.ok(now);
  EXPECT_EQ(state(b), BreakerState::closed);
  EXPECT_TRUE(b.try_start(now));
}

TEST_F(BreakerTest, NeverGoesFromClosedToHalfOpen) {
  Breaker b(vector_config());
  for (int i = 0; i < 1000; ++i) {
    i % 3 ? succeed(b) : fail(b);
    now += 100ms;
    ASSERT_EQ(state(b), BreakerState::closed);
  }
}

TEST_F(BreakerTest, GivesTheProbeOfAnIgnoredOutcomeBack) {
  auto config = vector_config();
  config.half_open_calls = 1;
  Breaker b(config);
  fail(b, 5);
  now += 6s;
  for (int i = 0; i < 10; ++i) {
    auto probe = b.try_start(now);
    ASSERT_TRUE(probe);
    if (i % 2) probe->ignored();
  }
  EXPECT_EQ(state(b), BreakerState::half_open);
  succeed(b);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, OpensAgainWhenItsProbesNeverReport) {
  Breaker b(vector_config());
  fail(b, 5);
  now += 5s;
  std::vector<Breaker::Permit> lost;
  for (int i = 0; i < 4; ++i) lost.push_back(b.try_start(now + i * 200ms).value());
  now += 999ms;  // after the first of them
  EXPECT_FALSE(b.try_start(now));
  EXPECT_EQ(state(b), BreakerState::half_open);
  now += 1ms;
  const auto refused = b.try_start(now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(state(b), BreakerState::open);
  EXPECT_EQ(refused.error().retry_after, 5s);
  now += 5s;
  EXPECT_TRUE(b.try_start(now)) << "the lost probes do not count against the next round";
}

TEST_F(BreakerTest, WaitsForASlowProbeFromWhenItWasLetOut) {
  Breaker b(vector_config());
  fail(b, 5);
  now += 5s;
  b.try_start(now).value().ignored();
  now += 100s;
  auto probe = b.try_start(now);
  ASSERT_TRUE(probe) << "nothing was out, so nothing was overdue";
  now += 900ms;
  EXPECT_TRUE(b.try_start(now));
}

TEST_F(BreakerTest, OpensAgainAsSoonAsTooManyProbesFailed) {
  Breaker b(vector_config());
  fail(b, 5);
  now += 5s;
  fail(b);
  EXPECT_EQ(state(b), BreakerState::half_open);
  fail(b);
  EXPECT_EQ(state(b), BreakerState::open);
  EXPECT_EQ(b.stats(now).opened, 2u);
  EXPECT_EQ(b.try_start(now).error().retry_after, 5s);
}

TEST_F(BreakerTest, ClosesWithOneFailedProbeOfFour) {
  Breaker b(vector_config());
  fail(b, 5);
  now += 5s;
  fail(b);
  succeed(b, 3);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, OpensAgainWhenItsProbesAreSlow) {
  auto config = vector_config();
  config.half_open_wait = 60s;
  config.half_open_calls = 2;
  Breaker b(config);
  fail(b, 5);
  now += 5s;
  take(b, 5s);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, WithoutAWindowMayNoProbeFail) {
  BreakerConfig config;
  config.half_open_calls = 3;
  Breaker b(config);
  fail(b, 5);
  now += 10s;
  succeed(b, 2);
  EXPECT_EQ(state(b), BreakerState::half_open);
  fail(b);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, ComesBackSoonWhileTheProbeIsOut) {
  Breaker b(BreakerConfig{});
  fail(b, 5);
  now += 10s;
  const auto probe = b.try_start(now);
  const auto refused = b.try_start(now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after, 1s);
}

TEST_F(BreakerTest, ForgetsCallsFromBeforeTheLastChangeOfState) {
  Breaker b(BreakerConfig{});
  auto early_ok = b.try_start(now).value();
  auto early_failure = b.try_start(now).value();
  fail(b, 5);
  early_ok.ok(now);
  EXPECT_EQ(state(b), BreakerState::open);
  now += 10s;
  auto probe = b.try_start(now).value();
  early_failure.failed(now);
  EXPECT_EQ(state(b), BreakerState::half_open) << "only its own probes decide a half-open breaker";
  probe.ok(now);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, CountsAPermitThatDiesAsNeitherSuccessNorFailure) {
  Breaker b(BreakerConfig{});
  fail(b, 4);
  {
    auto dies = b.try_start(now);
  }
  EXPECT_EQ(state(b), BreakerState::closed);
  fail(b);
  EXPECT_EQ(state(b), BreakerState::open) << "a success would have broken the row";
}

TEST_F(BreakerTest, SettlesAPermitOnce) {
  Breaker b(BreakerConfig{});
  auto permit = b.try_start(now).value();
  for (int i = 0; i < 10; ++i) permit.failed(now);
  auto moved = std::move(permit);
  moved.failed(now);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, SettlesWhatAnAssignmentReplaces) {
  Breaker b(BreakerConfig{}), other(BreakerConfig{});
  fail(b, 5);
  now += 10s;
  auto probe = b.try_start(now).value();
  probe = other.try_start(now).value();
  EXPECT_TRUE(b.try_start(now)) << "the replaced probe was given back";
}

TEST_F(BreakerTest, CountWindowSeesOnlyTheLastCalls) {
  BreakerConfig config;
  config.consecutive_failures = 0;
  config.window = Window::count;
  config.window_calls = 10;
  config.minimum_calls = 10;
  Breaker b(config);
  fail(b, 4);
  succeed(b, 6);
  EXPECT_DOUBLE_EQ(b.stats(now).failure_rate.value(), 0.4);
  succeed(b, 4);
  EXPECT_DOUBLE_EQ(b.stats(now).failure_rate.value(), 0.0);
  fail(b, 4);
  EXPECT_EQ(state(b), BreakerState::closed);
  fail(b);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, CountWindowSmallerThanTheMinimumIsJudgedWhenFull) {
  BreakerConfig config;
  config.consecutive_failures = 0;
  config.window = Window::count;
  config.window_calls = 4;
  config.minimum_calls = 100;
  Breaker b(config);
  fail(b, 3);
  EXPECT_EQ(state(b), BreakerState::closed);
  fail(b);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, TimeWindowForgetsOldFailures) {
  Breaker b(vector_config());
  fail(b, 4);
  now += 22s;
  succeed(b, 5);
  EXPECT_DOUBLE_EQ(b.stats(now).failure_rate.value(), 0.0);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, TimeWindowKeepsFailuresForItsWholeLength) {
  Breaker b(vector_config());
  fail(b, 4);
  now += 20s;
  succeed(b);
  EXPECT_EQ(state(b), BreakerState::open);
}

TEST_F(BreakerTest, ForcedOpenLetsNothingThrough) {
  Breaker b(BreakerConfig{});
  b.force(Mode::forced_open);
  EXPECT_EQ(b.try_start(now).error().retry_after, 10s);
  now += 1h;
  EXPECT_FALSE(b.try_start(now));
  EXPECT_EQ(state(b), BreakerState::open);
  b.force(Mode::automatic);
  EXPECT_TRUE(b.try_start(now));
}

TEST_F(BreakerTest, ForcedClosedMeasuresAndNeverOpens) {
  Breaker b(vector_config());
  b.force(Mode::forced_closed);
  fail(b, 100);
  EXPECT_EQ(state(b), BreakerState::closed);
  EXPECT_DOUBLE_EQ(b.stats(now).failure_rate.value(), 1.0);
}

TEST_F(BreakerTest, ObservingDecidesAndCountsButLetsThrough) {
  Breaker b(BreakerConfig{});
  b.force(Mode::observe);
  fail(b, 8);
  EXPECT_EQ(state(b), BreakerState::open);
  EXPECT_EQ(b.stats(now).refused, 3u);
  now += 10s;
  auto probe = b.try_start(now).value();
  succeed(b, 3);
  EXPECT_EQ(state(b), BreakerState::half_open) << "calls it would have refused decide nothing";
  probe.ok(now);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, KeepsItsStateWhenReconfigured) {
  BreakerConfig config;
  Breaker b(config);
  fail(b, 4);
  config.open = 2s;
  b.reconfigure(config);
  fail(b);
  EXPECT_EQ(b.try_start(now).error().retry_after, 2s);
  config.open = 20s;
  b.reconfigure(config);
  EXPECT_EQ(b.try_start(now).error().retry_after, 20s);
}

TEST_F(BreakerTest, IsNotJammedByFewerProbesThanHaveReported) {
  auto config = vector_config();
  Breaker b(config);
  fail(b, 5);
  now += 5s;
  succeed(b, 2);
  config.half_open_calls = 1;
  b.reconfigure(config);
  succeed(b);
  EXPECT_EQ(state(b), BreakerState::closed);
}

TEST_F(BreakerTest, WaitsForAnEndlessOpenWithoutOverflow) {
  BreakerConfig config;
  config.open = longest_duration;
  Breaker b(config);
  fail(b, 5);
  EXPECT_GT(b.try_start(now).error().retry_after, 24h * 365 * 100);
}

using BreakerDeathTest = BreakerTest;
TEST_F(BreakerDeathTest, DiesLoudlyWhenAPermitOutlivesIt) {
  EXPECT_DEATH(
      {
        auto b = std::make_unique<Breaker>(BreakerConfig{});
        auto permit = b->try_start(now);
        b.reset();
      },
      "broken invariant");
}

}  // namespace
}  // namespace weir::flow
