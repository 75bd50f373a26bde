#include <weir/base/ewma.h>

#include <gtest/gtest.h>

#include <cmath>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{100s};

TEST(Ewma, KnowsNothingBeforeTheFirstSample) {
  const Ewma e(1s);
  EXPECT_FALSE(e.value().has_value());
  EXPECT_EQ(e.value_or(42), 42);
  EXPECT_EQ(e.weight(t0), 0);
}

TEST(Ewma, IsTheFirstSampleAfterIt) {
  Ewma e(1s);
  e.add(7, t0);
  EXPECT_DOUBLE_EQ(*e.value(), 7);
}

TEST(Ewma, IsThePlainMeanOfSamplesOfOneInstant) {
  Ewma e(1s);
  for (const double x : {1.0, 2.0, 6.0}) e.add(x, t0);
  EXPECT_DOUBLE_EQ(*e.value(), 3);
}

TEST(Ewma, WeighsASampleOneMemoryOldByOneOverE) {
  Ewma e(10s);
  e.add(1, t0);
  e.add(0, t0 + 10s);
  const double w = std::exp(-1.0);
  EXPECT_NEAR(*e.value(), w / (1 + w), 1e-12);
  EXPECT_NEAR(e.weight(t0 + 20s), (1 + w) * w, 1e-12);
}

TEST(Ewma, DoesNotDependOnHowOftenASteadySignalIsSampled) {
  Ewma often(5s), seldom(5s);
  for (int i = 0; i <= 1000; ++i) often.add(i < 500 ? 0 : 1, t0 + i * 10ms);
  for (int i = 0; i <= 100; ++i) seldom.add(i < 50 ? 0 : 1, t0 + i * 100ms);
  EXPECT_NEAR(*often.value(), *seldom.value(), 0.02);
}

TEST(Ewma, ForgetsAlmostAllAfterALongSilence) {
  Ewma e(1s);
  for (int i = 0; i < 1000; ++i) e.add(1000, t0);
  e.add(1, t0 + 24h);
  EXPECT_DOUBLE_EQ(*e.value(), 1);
}

TEST(Ewma, TakesATimeThatStepsBackAsTheLastOne) {
  Ewma e(1s);
  e.add(1, t0);
  e.add(3, t0 - 10s);
  EXPECT_DOUBLE_EQ(*e.value(), 2);
  EXPECT_DOUBLE_EQ(e.weight(t0 - 10s), 2);
  EXPECT_DOUBLE_EQ(e.weight(t0), 2);
}

TEST(Ewma, CountsAWeightedSampleThatManyTimes) {
  Ewma e(1s);
  e.add(10, 3, t0);
  e.add(2, t0);
  e.add(99, 0, t0);
  EXPECT_DOUBLE_EQ(*e.value(), 8);
}

}  // namespace
}  // namespace weir
