// The published behaviour of Envoy's gradient controller, of which its own tests speak.
#include "envoy_gradient.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

/// Windows of 100 ms with ten answers each, whose requests were sent in the window.
class Envoy {
 public:
  explicit Envoy(const EnvoyGradientConfig& config) : limit(config, 3) {}

  void answer(Duration time) { limit.answered({flow::CallEnd::answered, time, 1, 0, false, false}, now); }
  void probe(Duration time) {
    now += 1s;
    for (int i = 0; i < 50; ++i) answer(time);
  }
  std::uint32_t window(Duration time) {
    now += 50ms;
    for (int i = 0; i < 9; ++i) answer(time);
    now += 51ms;
    answer(time);
    return limit.limit();
  }

  EnvoyGradient limit;
  TimePoint now{100s};
};

TEST(EnvoyGradientTest, IsHeldAtTheLeastUntilFiftyAnswersHaveToldTheLeastTime) {
  Envoy envoy({.least = 7});
  envoy.now += 1s;
  for (int i = 0; i < 49; ++i) envoy.answer(13ms);
  EXPECT_TRUE(envoy.limit.probing());
  EXPECT_EQ(envoy.limit.limit(), 7u);
  envoy.answer(13ms);
  EXPECT_FALSE(envoy.limit.probing());
  EXPECT_EQ(envoy.limit.least_time(), 13ms);
}

TEST(EnvoyGradientTest, RisesInEveryWindowWithinTheBuffer) {
  Envoy envoy({.least = 7, .buffer = 0.5});
  envoy.probe(5ms);
  for (int i = 0; i < 10; ++i) {
    const auto before = envoy.limit.limit();
    EXPECT_GT(envoy.window(6ms), before) << i;
  }
}

TEST(EnvoyGradientTest, AtMostDoublesAndFallsInEveryWindowBeyondTheBufferDownToTheLeast) {
  Envoy envoy({.least = 7, .buffer = 0.1});
  envoy.probe(5ms);
  for (int i = 0; i < 10; ++i) {
    const double before = envoy.limit.limit();
    const double after = envoy.window(4ms);
    EXPECT_GT(after, before);
    EXPECT_LE(after, 2 * before + std::sqrt(2 * before));
  }
  EXPECT_GT(envoy.limit.limit(), 100u);
  for (int i = 0; i < 10 && envoy.limit.limit() > 200; ++i) {
    const auto before = envoy.limit.limit();
    EXPECT_LT(envoy.window(6ms), before) << i;
  }
  for (int i = 0; i < 100; ++i) EXPECT_GE(envoy.window(6ms), 7u);
}

TEST(EnvoyGradientTest, ProbesAfterItsIntervalAndRestoresTheLimitExactly) {
  Envoy envoy({.least = 3, .jitter = 0, .probe_every = 30s});
  envoy.probe(5ms);
  for (int i = 0; i < 5; ++i) envoy.window(5ms);
  envoy.now += 31s;
  const auto before = envoy.limit.limit();
  ASSERT_GT(before, 3u);
  envoy.answer(5ms);  // too few for a window: the limit is as it was, and a probe begins
  EXPECT_TRUE(envoy.limit.probing());
  EXPECT_EQ(envoy.limit.limit(), 3u);
  envoy.probe(5ms);
  EXPECT_EQ(envoy.limit.limit(), before);
}

TEST(EnvoyGradientTest, WithoutAnswersNothingChanges) {
  Envoy envoy({});
  envoy.probe(5ms);
  const auto before = envoy.limit.limit();
  envoy.now += 10s;
  envoy.limit.answered({flow::CallEnd::answered, 60s, 1, 0, false, false}, envoy.now);  // sent before the probe
  EXPECT_EQ(envoy.limit.limit(), before);
}

TEST(EnvoyGradientTest, TheJitterIsTheDrawnMillisecondsModuloItsShare) {
  EXPECT_EQ(EnvoyGradient::jittered(100s, 0.1, 15'000), 105s);
  EXPECT_EQ(EnvoyGradient::jittered(100s, 0, 15'000), 100s);
}

TEST(EnvoyGradientTest, FiveWindowsAtTheLeastLeadToAProbeAndThenItGrows) {
  Envoy envoy({.least = 7, .buffer = 0});
  envoy.probe(5ms);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(envoy.limit.probing()) << i;
    EXPECT_EQ(envoy.window(20ms), 7u);
  }
  EXPECT_TRUE(envoy.limit.probing());
  envoy.probe(20ms);
  EXPECT_GT(envoy.window(20ms), 7u);
}

}  // namespace
}  // namespace weir::sim
