#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/token_bucket.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TimePoint at(double s) { return TimePoint(from_seconds(s + 100)); }

/// 0: it may go now; -1: never; otherwise the seconds to wait.
double wait(TokenBucket& bucket, double when, std::uint64_t n) {
  const auto taken = bucket.try_take(n, at(when));
  if (taken) return 0;
  return taken.error().retry_after == Duration::max() ? -1 : seconds(taken.error().retry_after);
}

TEST(TokenBucket, GivesThePublishedVectorsOfTheCellRateAlgorithm) {
  TokenBucket bucket({1}, 5);
  EXPECT_EQ(wait(bucket, 0, 6), -1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wait(bucket, 0, 1), 0);
  EXPECT_EQ(wait(bucket, 0, 1), 1);
  for (const double t : {3.0, 3.1, 4.0, 8.0, 9.5}) EXPECT_EQ(wait(bucket, t, 1), 0) << t;
  EXPECT_EQ(wait(bucket, 9.5, 2), 0);
  EXPECT_EQ(wait(bucket, 9.5, 5), 3);
  EXPECT_EQ(wait(bucket, 15, 6), -1);
}

TEST(TokenBucket, HoldsItsRateExactlyOverTime) {
  for (const double rate : {3.0, 1000.0, 3e6}) {
    TokenBucket bucket({rate}, 10);
    std::uint64_t taken = 0;
    const double span = 30000 / rate;
    for (int i = 0; i <= 90'000; ++i) taken += wait(bucket, span * i / 90'000, 1) == 0;
    EXPECT_NEAR(static_cast<double>(taken), 30010, 2) << rate;
  }
}

TEST(TokenBucket, SaysExactlyWhenTheNextMayGo) {
  TokenBucket bucket({7}, 3);
  Rng rng(1);
  TimePoint now = at(0);
  for (int i = 0; i < 1000; ++i) {
    now += Duration(static_cast<Duration::rep>(rng.below(100'000'000)));
    const auto taken = bucket.try_take(1, now);
    if (taken) continue;
    EXPECT_FALSE(bucket.try_take(1, now + taken.error().retry_after - 1ns));
    now += taken.error().retry_after;
    EXPECT_TRUE(bucket.try_take(1, now));
  }
}

TEST(TokenBucket, IsNotConfusedByAClockThatStepsBack) {
  TokenBucket bucket({10}, 1);
  EXPECT_TRUE(bucket.try_take(1, at(5)));
  EXPECT_NEAR(wait(bucket, 4, 1), 1.1, 1e-6);
  EXPECT_TRUE(bucket.try_take(1, at(5.2)));
}

}  // namespace
}  // namespace weir::flow
