#include <weir/base/histogram.h>
#include <weir/base/rng.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;

Duration exact(std::vector<Duration>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void expect_within_one_percent(const std::function<double(Rng&)>& draw_seconds) {
  Rng rng(7);
  Histogram histogram;
  std::vector<Duration> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(from_seconds(draw_seconds(rng)));
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const double wanted = seconds(exact(values, q));
    EXPECT_NEAR(seconds(histogram.quantile(q)), wanted, 0.01 * wanted) << "q " << q;
  }
}

TEST(Histogram, KnowsUniformQuantilesWithinOnePercent) {
  expect_within_one_percent([](Rng& rng) { return rng.uniform(1e-6, 1e-3); });
}

TEST(Histogram, KnowsExponentialQuantilesWithinOnePercent) {
  expect_within_one_percent([](Rng& rng) { return -0.01 * std::log(1 - rng.uniform()); });
}

TEST(Histogram, KnowsHeavyTailsWithinOnePercent) {
  expect_within_one_percent([](Rng& rng) { return std::min(3000.0, 1e-4 * std::pow(1 - rng.uniform(), -1 / 1.1)); });
}

TEST(Histogram, KnowsTwoFarApartModesWithinOnePercent) {
  expect_within_one_percent(
      [](Rng& rng) { return rng.uniform() < 0.98 ? rng.uniform(90e-9, 110e-9) : rng.uniform(1, 2); });
}

TEST(Histogram, EveryBucketHoldsItsValueWithinOnePercent) {
  for (double v = 1; v < 3.6e12; v *= 1.003) {
    Histogram h;
    const Duration value(static_cast<Duration::rep>(v));
    h.record(value);
    h.record(Duration{0});
    h.record(1h);
    EXPECT_NEAR(seconds(h.quantile(0.5)), seconds(value), 0.0079 * seconds(value)) << value.count();
  }
}

TEST(Histogram, IsZeroWhenEmpty) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.quantile(0.99), 0ns);
  EXPECT_EQ(h.min(), 0ns);
  EXPECT_EQ(h.mean(), 0ns);
}

TEST(Histogram, NeverLeavesWhatWasRecorded) {
  Histogram h;
  h.record(1000003ns);
  EXPECT_EQ(h.quantile(0), 1000003ns);
  EXPECT_EQ(h.quantile(0.5), 1000003ns);
  EXPECT_EQ(h.quantile(1), 1000003ns);
  EXPECT_EQ(h.quantile(7), 1000003ns);
}

TEST(Histogram, CountsWhatIsOutOfRangeAtItsEnds) {
  Histogram h(1s);
  h.record(-5s);
  h.record(20s, 2);
  EXPECT_EQ(h.count(), 3u);
  EXPECT_EQ(h.quantile(0.1), 0ns);
  EXPECT_EQ(h.quantile(0.6), 20s);
  EXPECT_DOUBLE_EQ(h.sum(), 40);
  EXPECT_EQ(h.max(), 20s);
}

TEST(Histogram, MergedIsAsIfRecordedTogether) {
  Rng rng(3);
  Histogram a, b, both;
  for (int i = 0; i < 1000; ++i) {
    const auto v = Duration(static_cast<Duration::rep>(rng.below(1'000'000'000)));
    (i % 3 ? a : b).record(v);
    both.record(v);
  }
  b.record(1ns);
  both.record(1ns);
  a.merge(b);
  EXPECT_EQ(a.min(), 1ns);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_NEAR(a.sum(), both.sum(), 1e-6);
  EXPECT_NEAR(seconds(a.mean()), a.sum() / 1001, 1e-9);
  for (const double q : {0.0, 0.2, 0.5, 0.99, 1.0}) EXPECT_EQ(a.quantile(q), both.quantile(q));
}

TEST(Histogram, ForgetsEverythingWhenCleared) {
  Histogram h;
  h.record(5s);
  h.clear();
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.max(), 0ns);
  h.record(1ms);
  EXPECT_EQ(h.quantile(0.5), 1ms);
}

}  // namespace
}  // namespace weir
