#include <weir/flow/recover/hedge_delay.h>

#include <gtest/gtest.h>
#include <weir/base/rng.h>

#include <cmath>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

/// Exponential times of this mean: the 95th percentile is three times that.
Duration exponential(Rng& rng, double mean) { return from_seconds(-mean * std::log(1 - rng.uniform())); }

TEST(HedgeDelay, ATimeThatIsGivenStaysWhateverAnswersTake) {
  HedgeDelay delay(30ms);
  EXPECT_EQ(delay.after(), 30ms);
  for (int i = 0; i < 1000; ++i) delay.answered(1s);
  delay.took_longer();
  EXPECT_EQ(delay.after(), 30ms);
}

TEST(HedgeDelay, KnowsNothingBeforeAHundredAnswers) {
  HedgeDelay delay;
  for (int i = 0; i < 99; ++i) delay.answered(10ms);
  EXPECT_EQ(delay.after(), std::nullopt);
  delay.answered(10ms);
  EXPECT_TRUE(delay.after().has_value());
}

TEST(HedgeDelay, OneAnswerInTwentyTakesLonger) {
  Rng rng(7);
  HedgeDelay delay;
  for (int i = 0; i < 2000; ++i) delay.answered(exponential(rng, 0.010));
  int longer = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Duration time = exponential(rng, 0.010);
    longer += time > *delay.after() ? 1 : 0;
    delay.answered(time);
  }
  EXPECT_NEAR(longer / 20'000.0, 0.05, 0.005);
  EXPECT_NEAR(seconds(*delay.after()), 0.030, 0.012);
}

TEST(HedgeDelay, RequestsThatWereGivenUpForTheirHedgesDoNotMakeItShrink) {
  Rng rng(7);
  HedgeDelay delay;
  int hedges = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Duration time = exponential(rng, 0.010);
    if (delay.after() && time > *delay.after()) {
      delay.took_longer();
      hedges += i >= 2000 ? 1 : 0;
    } else {
      delay.answered(time);
    }
  }
  EXPECT_NEAR(hedges / 18'000.0, 0.05, 0.005);
}

TEST(HedgeDelay, FollowsAServiceThatBecomesSlowerAndFaster) {
  Rng rng(7);
  HedgeDelay delay;
  for (int i = 0; i < 1000; ++i) delay.answered(exponential(rng, 0.010));
  for (int i = 0; i < 200; ++i) delay.answered(exponential(rng, 0.100));
  EXPECT_GT(*delay.after(), 100ms);
  for (int i = 0; i < 1000; ++i) delay.answered(exponential(rng, 0.010));
  EXPECT_LT(*delay.after(), 60ms);
}

TEST(HedgeDelay, StaysWithinItsBounds) {
  HedgeDelay fast, slow;
  for (int i = 0; i < 10'000; ++i) {
    fast.answered(Duration{0});
    slow.answered(24h);
  }
  EXPECT_EQ(fast.after(), 1ms);
  EXPECT_EQ(slow.after(), 1h);
}

}  // namespace
}  // namespace weir::flow
