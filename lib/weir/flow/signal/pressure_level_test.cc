#include <gtest/gtest.h>
#include <weir/flow/signal/pressure_level.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

/// A queue of 1 000, as its owner would tell it.
Pressure queue(double fill, double growth_a_second) {
  Pressure p;
  p.bound.events = 1000;
  p.fill = fill;
  p.waiting.events = static_cast<std::uint64_t>(fill * 1000);
  p.growth = PerSecond{growth_a_second};
  if (growth_a_second > 0) p.time_to_full = from_seconds((1 - fill) * 1000 / growth_a_second);
  return p;
}

TEST(PressureLevel, NinetyPercentAndStableIsFine) { EXPECT_EQ(level_of(queue(0.9, 0)), PressureLevel::normal); }

TEST(PressureLevel, ThirtyPercentAndFiveMoreASecondIsACrisisInFourteenSeconds) {
  const Pressure p = queue(0.3, 50);
  EXPECT_EQ(level_of(p), PressureLevel::critical);
  ASSERT_TRUE(soon_full(p));
  EXPECT_EQ(*soon_full(p), 14s);
}

TEST(PressureLevel, WarnsWhenItIsFullWithinAMinute) {
  EXPECT_EQ(level_of(queue(0.5, 10)), PressureLevel::warning);
  EXPECT_EQ(level_of(queue(0.5, 8)), PressureLevel::normal) << "in 62 s";
}

TEST(PressureLevel, AFullQueueIsCriticalWhateverItsTrend) {
  EXPECT_EQ(level_of(queue(1, 0)), PressureLevel::critical);
  EXPECT_EQ(level_of(queue(0.99, -100)), PressureLevel::critical);
}

TEST(PressureLevel, PausedReadersAreAWarningUntilTheyReadAgain) {
  Pressure p = queue(0.5, -200);
  p.paused = true;
  EXPECT_EQ(level_of(p), PressureLevel::warning);
  p.paused = false;
  EXPECT_EQ(level_of(p), PressureLevel::normal);
}

TEST(PressureLevel, SlowGrowthNearTheBoundIsNoForecast) {
  EXPECT_EQ(level_of(queue(0.97, 4)), PressureLevel::normal) << "4 of 1 000 a second come and go";
  EXPECT_FALSE(soon_full(queue(0.97, 4)));
}

}  // namespace
}  // namespace weir::flow
