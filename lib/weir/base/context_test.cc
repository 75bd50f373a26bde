#include <weir/base/context.h>

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(ManualClock, StandsStillUntilItIsAdvanced) {
  ManualClock clock;
  const auto start = clock.now();
  EXPECT_EQ(clock.now(), start);
  clock.advance(250ms);
  EXPECT_EQ(clock.now() - start, 250ms);
}

TEST(ManualClock, DoesNotStartAtTheTimeThatMeansNeverSet) { EXPECT_NE(ManualClock().now(), TimePoint{}); }

TEST(ManualClock, MovesBothTimesTogether) {
  ManualClock clock;
  const auto wall = clock.wall();
  clock.advance(3s);
  EXPECT_EQ(clock.wall() - wall, 3s);
}

TEST(Context, ReadsTheClockItWasGiven) {
  ManualClock clock;
  const Context context(clock);
  clock.advance(1h);
  EXPECT_EQ(context.now(), clock.now());
  EXPECT_EQ(context.wall(), clock.wall());
}

TEST(Context, HandsOutADifferentRngEachTimeAndReplaysFromItsSeed) {
  ManualClock clock;
  const Context a(clock, 9), b(clock, 9);
  const auto first = a.rng().next();
  EXPECT_NE(first, a.rng().next());
  EXPECT_EQ(first, b.rng().next());
}

TEST(SystemClock, NeverGoesBack) {
  const auto a = system_clock().now();
  EXPECT_LE(a, system_clock().now());
}

}  // namespace
}  // namespace weir
