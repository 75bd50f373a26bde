#include <gtest/gtest.h>
#include <weir/flow/signal/baseline.h>

#include <cmath>
#include <numbers>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

Baseline after_a_minute_at(double value) {
  Baseline b(1);
  for (int i = 0; i < 60; ++i) b.look(value, 1s);
  return b;
}

void spend(Baseline& b, double value, Duration time) {
  for (Duration at{0}; at < time; at += 10s) b.look(value, 10s);
}

TEST(Baseline, KnowsNothingForAMinuteAndThenItsMean) {
  Baseline b(1);
  for (int i = 0; i < 59; ++i) b.look(i % 2 ? 10 : 30, 1s);
  EXPECT_FALSE(b.known());
  b.look(10, 1s);
  EXPECT_TRUE(b.known());
  EXPECT_NEAR(b.normal(), 20, 0.5);
}

TEST(Baseline, AnIncidentOfAnHourDoesNotBecomeNormal) {
  for (const double times : {4.0, 10.0, 1e6}) {
    Baseline b = after_a_minute_at(100);
    spend(b, 100 * times, 1h);
    EXPECT_NEAR(b.normal(), 110.5, 1) << times;
  }
}

TEST(Baseline, FiveTimesAsMuchIsNormalWhenItHasStayedForFiveHours) {
  Baseline b = after_a_minute_at(100);
  Duration unusual{0};
  for (; b.normal() < 450 && unusual < 48h; unusual += 10s) b.look(500, 10s);
  EXPECT_GT(unusual, 5h);
  EXPECT_LT(unusual, 6h);
}

TEST(Baseline, ADailyRhythmIsNoIncident) {
  Baseline b = after_a_minute_at(100);
  double worst = 0;
  for (int day = 0; day < 3; ++day)
    for (int minute = 0; minute < 1440; ++minute) {
      const double value = 100 * (1 + std::cos(2 * std::numbers::pi * minute / 1440));  // 200 to 0
      b.look(value, 1min);
      worst = std::max(worst, value / b.normal());
    }
  EXPECT_LT(worst, 3);
}

TEST(Baseline, IsNeverBelowItsLeast) {
  Baseline b(10);
  spend(b, 0, 48h);
  EXPECT_EQ(b.normal(), 10);
  b.look(29, 10s);
  EXPECT_GT(b.normal(), 10) << "it learns from there";
}

TEST(Baseline, AStepOfTheClockIsAMinuteAtMost) {
  Baseline b = after_a_minute_at(100);
  b.look(0, 24h);
  EXPECT_GT(b.normal(), 99);
  b.look(0, -1h);
  EXPECT_GT(b.normal(), 99);
}

}  // namespace
}  // namespace weir::flow
