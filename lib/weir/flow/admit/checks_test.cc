// What a door, a calendar of promises and a token bucket can be made of.
#include <weir/flow/admit/door.h>
#include <weir/flow/admit/early_returns.h>
#include <weir/flow/admit/token_bucket.h>
#include <weir/flow/checks_for_test.h>

namespace weir::flow {
namespace {

TEST(AdmitChecks, ADoorRefusesAWaitThatIsNone) {
  EXPECT_FALSE(check(DoorConfig{}));
  for (const Duration wrong : wrong_durations())
    expect_refused("max_retry_after", DoorConfig{.max_retry_after = wrong},
                   [](const DoorConfig& c) { const Door door(c, 1); });
}

TEST(AdmitChecks, EarlyReturnsRefuseAToleranceThatIsNone) {
  EXPECT_FALSE(check(EarlyReturnsConfig{.tolerance = Duration{0}}));
  for (const Duration wrong : wrong_durations(Zero::allowed))
    expect_refused("tolerance", EarlyReturnsConfig{.tolerance = wrong},
                   [](const EarlyReturnsConfig& c) { const EarlyReturns policy(c); });
}

TEST(AdmitChecks, PromisesRefuseAHorizonThatIsNone) {
  for (const Duration wrong : wrong_durations()) EXPECT_THROW(Promises{wrong}, std::invalid_argument) << wrong.count();
}

TEST(AdmitChecks, ATokenBucketRefusesARateThatIsNoneOrMoreThanItCanCount) {
  auto wrong_rates = wrong_numbers(Zero::refused);
  wrong_rates.push_back(1.1e9);
  for (const double wrong : wrong_rates) {
    ASSERT_TRUE(TokenBucket::check({wrong}, 1)) << wrong;
    EXPECT_EQ(TokenBucket::check({wrong}, 1)->field, "rate");
    EXPECT_THROW(TokenBucket({wrong}, 1), std::invalid_argument) << wrong;
  }
  EXPECT_EQ(TokenBucket::check({1}, 0)->field, "burst");
  EXPECT_THROW(TokenBucket({1}, 0), std::invalid_argument);
  EXPECT_FALSE(TokenBucket::check({1e9}, 1));
}

}  // namespace
}  // namespace weir::flow
