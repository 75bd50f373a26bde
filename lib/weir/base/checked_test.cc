#include <weir/base/checked.h>
#include <weir/base/ewma.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Checked, ADurationIsAboveZeroAndNotForEver) {
  for (const Duration wrong : {Duration{0}, Duration{-1}, Duration::min(), Duration::max(), longest_duration + 1ns})
    EXPECT_TRUE(check_duration("open", wrong)) << wrong.count();
  for (const Duration right : {Duration{1}, Duration{10s}, longest_duration})
    EXPECT_FALSE(check_duration("open", right)) << right.count();
  EXPECT_FALSE(check_duration("keep_alive", Duration{0}, Zero::allowed));
  EXPECT_TRUE(check_duration("keep_alive", Duration{-1}, Zero::allowed));
}

TEST(Checked, ARateIsAFiniteNumberAboveZero) {
  for (const double wrong : {0.0, -0.0, -1.0, nan, -nan, infinity, -infinity})
    EXPECT_TRUE(check_rate("rate", {wrong})) << wrong;
  EXPECT_FALSE(check_rate("rate", {1e-9}));
  EXPECT_FALSE(check_rate("minimum", {0}, Zero::allowed));
  EXPECT_TRUE(check_rate("minimum", {-1}, Zero::allowed));
  EXPECT_TRUE(check_rate("minimum", {nan}, Zero::allowed));
}

TEST(Checked, AShareIsAFiniteNumberOfZeroOrMore) {
  for (const double wrong : {-0.1, nan, infinity, -infinity}) EXPECT_TRUE(check_share("ratio", wrong)) << wrong;
  for (const double right : {0.0, 0.5, 1.0}) EXPECT_FALSE(check_share("ratio", right)) << right;
}

TEST(Checked, SaysWhichValueIsWrongAndWhatToWrite) {
  const auto unfit = within("breaker", first_unfit({std::nullopt, check_duration("open", -5ms)}));
  ASSERT_TRUE(unfit);
  EXPECT_EQ(unfit->field, "breaker.open");
  EXPECT_EQ(unfit->what, "is -5000000 ns: write more than 0");
  try {
    refuse(unfit, "destination");
    FAIL() << "it did not throw";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "destination: breaker.open is -5000000 ns: write more than 0");
  }
  EXPECT_NO_THROW(refuse(std::nullopt, "destination"));
}

TEST(Checked, AnAverageNeedsAMemory) {
  for (const Duration wrong : {Duration{0}, Duration{-1}, Duration::max()})
    EXPECT_THROW(Ewma{wrong}, std::invalid_argument) << wrong.count();
}

}  // namespace
}  // namespace weir
