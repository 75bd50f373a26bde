#include "load/arrivals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace weir::load {
namespace {

using namespace std::chrono_literals;

std::vector<double> times(std::string_view phases, Duration end, std::uint64_t seed = 1,
                          Arrivals::Kind kind = Arrivals::Kind::poisson) {
  Arrivals arrivals(Arrivals::parse(phases).value(), end, seed, kind);
  std::vector<double> all;
  while (const auto at = arrivals.next()) all.push_back(seconds(*at));
  return all;
}

std::size_t between(const std::vector<double>& all, double from, double to) {
  std::size_t n = 0;
  for (const double at : all) n += at >= from && at < to;
  return n;
}

TEST(ArrivalsTest, ComeAtTheRateOfEachPhaseAndNotBeyondTheEnd) {
  const auto all = times("2:100,12:1000,22:0,32:50", 132s);
  EXPECT_EQ(between(all, 0, 2), 0u);
  EXPECT_NEAR(static_cast<double>(between(all, 2, 12)), 1000, 4 * std::sqrt(1000));
  EXPECT_NEAR(static_cast<double>(between(all, 12, 22)), 10'000, 4 * std::sqrt(10'000));
  EXPECT_EQ(between(all, 22, 32), 0u);
  EXPECT_NEAR(static_cast<double>(between(all, 32, 132)), 5000, 4 * std::sqrt(5000));
  EXPECT_EQ(between(all, 132, 1e9), 0u);
}

TEST(ArrivalsTest, AreInOrderAndAsIrregularAsChance) {
  const auto all = times("1000", 20s);
  double sum = 0, squares = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    ASSERT_GE(all[i], all[i - 1]);
    sum += all[i] - all[i - 1];
    squares += (all[i] - all[i - 1]) * (all[i] - all[i - 1]);
  }
  const double n = static_cast<double>(all.size() - 1), mean = sum / n;
  EXPECT_NEAR(std::sqrt(squares / n - mean * mean) / mean, 1, 0.05);  // of exponential gaps
}

TEST(ArrivalsTest, ConstantOnesAreEquallyFarApartAndExactlyAsManyAsTheRateSays) {
  const auto all = times("200", 2s, 1, Arrivals::Kind::constant);
  ASSERT_EQ(all.size(), 400u);
  EXPECT_NEAR(all.front(), 0.0025, 1e-6);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_NEAR(all[i] - all[i - 1], 0.005, 1e-6);
  EXPECT_EQ(times("15000", 60s, 1, Arrivals::Kind::constant).size(), 900'000u);  // 66666.67 ns apart
  EXPECT_EQ(times("0:10,1:100,2:0", 9s, 1, Arrivals::Kind::constant).size(), 110u);
}

TEST(ArrivalsTest, ARampRisesFromItsFirstRateToItsSecond) {
  const auto up = times("0:0..1000", 10s, 1, Arrivals::Kind::constant);
  EXPECT_NEAR(static_cast<double>(up.size()), 5000, 1);
  EXPECT_NEAR(static_cast<double>(between(up, 0, 5)), 1250, 1);
  const auto both = times("0:100..300,10:300..100,20:0", 30s, 1, Arrivals::Kind::constant);
  EXPECT_NEAR(static_cast<double>(between(both, 0, 10)), 2000, 1);
  EXPECT_NEAR(static_cast<double>(between(both, 15, 20)), 750, 1);
  EXPECT_EQ(between(both, 20, 30), 0u);
  EXPECT_NEAR(static_cast<double>(times("0:0..1000", 10s).size()), 5000, 4 * std::sqrt(5000));
}

TEST(ArrivalsTest, AsManyAreExpectedAsCome) {
  for (const std::string_view text : {"200", "2:100,5:0..50", "0:10..100,4:7"})
    EXPECT_NEAR(static_cast<double>(times(text, 9s, 1, Arrivals::Kind::constant).size()),
                expected_arrivals(Arrivals::parse(text).value(), 9s), 1)
        << text;
}

TEST(ArrivalsTest, OfOneSeedAreTheSame) {
  EXPECT_EQ(times("300", 3s, 7), times("300", 3s, 7));
  EXPECT_NE(times("300", 3s, 7), times("300", 3s, 8));
}

TEST(ArrivalsTest, WhatIsNoLoadIsRefused) {
  for (const std::string_view text :
       {"", "x", "-1", "1:", "5:1,2:1", "1:1,1:2", "nan", "1e9", "0:1,", "1..", "..1", "1..x", "1..2..3"})
    EXPECT_FALSE(Arrivals::parse(text)) << text;
}

}  // namespace
}  // namespace weir::load
