#include "pipeline/delivery/doubled_rows.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{1s};

TEST(DoubledRows, AreNoWarningWhereAnAttemptBeforeExplainsThem) {
  DoubledRows doubled;
  const auto warn = doubled.saw({.events = 100, .already = 100, .strange = 100, .tried_before = true}, start);
  EXPECT_EQ(warn.strange, 0u);
  EXPECT_EQ(warn.of, 0u) << "too few to tell";
}

TEST(DoubledRows, OfANewIdAreAWarningFromTheFirstOn) {
  DoubledRows doubled;
  EXPECT_EQ(doubled.saw({.events = 100'000, .already = 1, .strange = 1}, start).strange, 1u);
}

TEST(DoubledRows, AreWarnedOfOnceAnHourWithAllThatCameMeanwhile) {
  DoubledRows doubled;
  doubled.saw({.events = 10, .already = 1, .strange = 1}, start);
  EXPECT_EQ(doubled.saw({.events = 10, .already = 2, .strange = 2}, start + 59min).strange, 0u);
  EXPECT_EQ(doubled.saw({.events = 10}, start + 60min).strange, 2u);
  EXPECT_EQ(doubled.saw({.events = 10}, start + 121min).strange, 0u);
}

TEST(DoubledRows, ThatAreMoreThanHalfOfAllAreAWarning) {
  DoubledRows doubled;
  EXPECT_EQ(doubled.saw({.events = 10'000, .already = 2'000}, start).of, 0u);
  const auto warn = doubled.saw({.events = 10'000, .already = 10'000}, start);
  EXPECT_EQ(warn.already, 12'000u);
  EXPECT_EQ(warn.of, 20'000u);
  EXPECT_EQ(doubled.saw({.events = 10'000, .already = 10'000}, start + 1min).of, 0u);
}

}  // namespace
}  // namespace weir::pipeline
