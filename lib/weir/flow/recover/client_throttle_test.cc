#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/checks_for_test.h>
#include <weir/flow/recover/client_throttle.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(ClientThrottleTest, GivesThePublishedVectors) {
  const ClientThrottleConfig config{.ratio = 1 / 0.9, .most = 0.8};
  EXPECT_NEAR(refused_share(config, 100, 95), 0, 1e-9);
  EXPECT_NEAR(refused_share(config, 120, 90), 0.1653, 1e-4);
  EXPECT_GE(refused_share(config, 200, 50), 0.7);
  EXPECT_LE(refused_share(config, 200, 50), 0.8);
  EXPECT_EQ(refused_share(config, 1000, 10), 0.8);
  EXPECT_EQ(refused_share(config, 100, 0), 0.8);
  EXPECT_EQ(refused_share(config, 0, 0), 0);
}

TEST(ClientThrottleTest, GivesEnvoysVector) {
  ClientThrottle throttle({.ratio = 1 / 0.95, .most = 0.8});
  const TimePoint now{100s};
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(throttle.try_start(0.999, now));
    if (i % 2 == 0) throttle.accepted(now);
  }
  EXPECT_TRUE(throttle.try_start(0.55, now));
  EXPECT_FALSE(throttle.try_start(0.45, now));
}

TEST(ClientThrottleTest, SendsAboutAsManyInVainAsAreAcceptedAndAllAgainWhenTheDestinationIsBack) {
  ClientThrottle throttle({});
  Rng rng(4);
  TimePoint now{1000s};
  std::uint64_t sent = 0, accepted = 0;
  const auto second = [&](int capacity) {  // 1000 requests
    int taken = 0;
    for (int i = 0; i < 1000; ++i) {
      now += 1ms;
      if (!throttle.try_start(rng.uniform(), now)) continue;
      ++sent;
      if (taken == capacity) continue;
      ++taken;
      ++accepted;
      throttle.accepted(now);
    }
  };
  for (int i = 0; i < 300; ++i) second(200);
  sent = accepted = 0;
  for (int i = 0; i < 60; ++i) second(200);
  EXPECT_NEAR(static_cast<double>(accepted), 12'000, 120);
  EXPECT_NEAR(static_cast<double>(sent), 24'000, 2'400);
  for (int i = 0; i < 300; ++i) second(1000);
  sent = 0;
  second(1000);
  EXPECT_EQ(sent, 1000u);
}

TEST(ClientThrottleTest, RefusesAConfigurationThatIsNone) {
  const auto make = [](const ClientThrottleConfig& c) { const ClientThrottle throttle(c); };
  for (const double wrong : wrong_numbers(Zero::refused)) {
    expect_refused("ratio", ClientThrottleConfig{.ratio = wrong}, make);
    expect_refused("aggression", ClientThrottleConfig{.aggression = wrong}, make);
  }
  expect_refused("most", ClientThrottleConfig{.most = 1}, make);
  for (const Duration wrong : wrong_durations()) expect_refused("window", ClientThrottleConfig{.window = wrong}, make);
}

}  // namespace
}  // namespace weir::flow
