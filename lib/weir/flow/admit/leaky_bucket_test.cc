#include <gtest/gtest.h>
#include <weir/flow/admit/leaky_bucket.h>

#include "rates_for_test.h"

namespace weir::flow {
namespace {

TEST(LeakyBucket, WithoutDelayLetsItsBurstPassAndRefusesTheRest) {
  LeakyBucket bucket({.rate = {2}, .burst = 1, .undelayed = 1});
  EXPECT_EQ(passes(bucket, 0), 0);
  EXPECT_EQ(passes(bucket, 0), 0);
  EXPECT_EQ(passes(bucket, 0), std::nullopt);
  EXPECT_EQ(passes(bucket, 0.5), 0) << "what was refused is not charged";
  EXPECT_EQ(passes(bucket, 0.5), std::nullopt);
}

TEST(LeakyBucket, DelaysWhatIsBeyondTheUndelayedPartOfItsBurst) {
  LeakyBucket bucket({.rate = {0.5}, .burst = 2, .undelayed = 1});
  EXPECT_EQ(passes(bucket, 0), 0);
  EXPECT_EQ(passes(bucket, 0), 0);
  EXPECT_EQ(passes(bucket, 0), 2);
  EXPECT_EQ(passes(bucket, 0), std::nullopt);
  EXPECT_EQ(bucket.ready_in(1, at(0)), from_seconds(2));
}

TEST(LeakyBucket, WithoutAnUndelayedPartLetsEverythingLeaveEvenly) {
  LeakyBucket bucket({.rate = {10}, .burst = 5});
  for (int i = 0; i <= 5; ++i) EXPECT_NEAR(*passes(bucket, 0), 0.1 * i, 1e-9) << i;
  EXPECT_EQ(passes(bucket, 0), std::nullopt);
  EXPECT_NEAR(*passes(bucket, 0.25), 0.35, 1e-9) << "the sixth place behind those that are still waiting";
}

TEST(LeakyBucket, TakesSeveralUnitsTogetherOrNone) {
  LeakyBucket bucket({.rate = {1}, .burst = 2, .undelayed = 2});
  EXPECT_EQ(bucket.ready_in(4, at(0)), Duration::max());
  EXPECT_EQ(passes(bucket, 0, 3), 0);
  EXPECT_EQ(passes(bucket, 0.5, 1), std::nullopt);
  EXPECT_EQ(passes(bucket, 1, 1), 0);
  bucket.give_back(1, at(1));
  EXPECT_EQ(passes(bucket, 1, 1), 0);
}

TEST(LeakyBucket, RefusesWhatItCannotBeMadeOf) {
  EXPECT_EQ(check(LeakyBucketConfig{.rate = {0}})->field, "rate");
  EXPECT_EQ(check(LeakyBucketConfig{.rate = {1}, .burst = 1, .undelayed = 2})->field, "undelayed");
  EXPECT_EQ(check(LeakyBucketConfig{.rate = {1}, .burst = UINT64_MAX})->field, "burst");
  EXPECT_THROW(LeakyBucket({.rate = {-1}}), std::invalid_argument);
}

}  // namespace
}  // namespace weir::flow
