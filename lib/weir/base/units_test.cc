#include <weir/base/units.h>

#include <gtest/gtest.h>

#include <limits>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(Units, SecondsRoundTrip) {
  EXPECT_DOUBLE_EQ(seconds(1500ms), 1.5);
  EXPECT_EQ(from_seconds(1.5), 1500ms);
  EXPECT_EQ(from_seconds(0), 0ns);
}

TEST(Units, MoreSecondsThanADurationHoldsIsTheLongestDuration) {
  EXPECT_EQ(from_seconds(1e30), Duration::max());
  EXPECT_EQ(from_seconds(std::numeric_limits<double>::infinity()), Duration::max());
}

TEST(Units, SizesArePowersOf1024) {
  EXPECT_EQ(1_KiB, 1024_B);
  EXPECT_EQ(1_MiB, Bytes(1 << 20));
  EXPECT_EQ(1_GiB, 1024_MiB);
  EXPECT_EQ(3_KiB - 1_KiB, 2_KiB);
  EXPECT_EQ(2_KiB * 3, 6_KiB);
  EXPECT_LT(1_KiB, 1_MiB);
}

TEST(Units, ALoadFitsOnlyIfBothEventsAndBytesFit) {
  const Load room{10, 100_B};
  EXPECT_TRUE((Load{10, 100_B}.fits_in(room)));
  EXPECT_FALSE((Load{11, 1_B}.fits_in(room)));
  EXPECT_FALSE((Load{1, 101_B}.fits_in(room)));
}

TEST(Units, LoadsAddAndSubtractInBothParts) {
  EXPECT_EQ((Load{1, 2_B} + Load{3, 4_B}), (Load{4, 6_B}));
  EXPECT_EQ((Load{4, 6_B} - Load{3, 4_B}), (Load{1, 2_B}));
  EXPECT_TRUE((Load{0, 0_B}.empty()));
}

TEST(Units, NeverIsAfterEveryTime) { EXPECT_GT(never, TimePoint(std::chrono::hours(24 * 365 * 100))); }

}  // namespace
}  // namespace weir
