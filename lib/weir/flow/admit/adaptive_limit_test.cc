#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/adaptive_limit.h>

#include <cmath>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

/// Answers of a service, one each 1 ms, sent while the limit was reached.
class Stream {
 public:
  explicit Stream(const AdaptiveLimitConfig& config = {}) : limit(config) {}

  void answers(int times, Duration time, double followers_part) {
    for (int i = 0; i < times; ++i) {
      const auto followers = static_cast<std::uint64_t>(followers_part * limit.limit());
      limit.answered({CallEnd::answered, time, limit.limit(), followers, true, true}, now += 1ms);
    }
  }
  void failures(int times, Duration time = 1s) {
    for (int i = 0; i < times; ++i)
      limit.answered({CallEnd::failed, time, limit.limit(), limit.limit(), true, true}, now += 1ms);
  }

  AdaptiveLimit limit;
  TimePoint now{100s};
};

TEST(AdaptiveLimitTest, FallsWithinAFewTurnsWhenAllTimeOutAndComesBackAfter) {
  Stream stream;
  stream.answers(200, 10ms, 0);
  const auto before = stream.limit.limit();
  ASSERT_GE(before, 32u);
  stream.failures(4 * static_cast<int>(before));
  EXPECT_LE(stream.limit.limit(), before / 4);
  EXPECT_EQ(stream.limit.facts().moved, LimitMove::failures);
  stream.failures(1000);
  EXPECT_EQ(stream.limit.limit(), 2u);
  stream.answers(5000, 10ms, 0);
  EXPECT_GE(stream.limit.limit(), before);
}

TEST(AdaptiveLimitTest, FastRefusalsAreNoFastService) {
  Stream stream;
  stream.answers(200, 10ms, 0);
  const double usual = stream.limit.baseline().value();
  stream.failures(500, 100us);
  EXPECT_EQ(stream.limit.baseline().value(), usual);
}

TEST(AdaptiveLimitTest, SomeFailuresAmongAnswersDoNotMoveIt) {
  Stream stream;
  for (int i = 0; i < 2000; ++i) {
    stream.answers(6, 10ms, 0);
    stream.failures(4);
  }
  EXPECT_EQ(stream.limit.limit(), 4096u);
}

TEST(AdaptiveLimitTest, StaysBetweenLeastAndMost) {
  Stream stream({.range = {.start = 3, .least = 3, .most = 50}});
  stream.answers(5000, 10ms, 0);
  EXPECT_EQ(stream.limit.limit(), 50u);
  stream.failures(5000);
  EXPECT_EQ(stream.limit.limit(), 3u);
}

TEST(AdaptiveLimitTest, AClockThatStandsStillGivesALimitAndNoNumberThatIsNone) {
  for (const Duration transit : {0us, 400us}) {
    AdaptiveLimit limit({.transit = transit});
    const TimePoint now{100s};
    for (int i = 0; i < 50'000; ++i) {
      limit.answered({CallEnd::answered, 0ns, limit.limit(), static_cast<std::uint64_t>(i % 7), true, true}, now);
      ASSERT_TRUE(std::isfinite(limit.baseline().value()));
      ASSERT_GE(limit.limit(), 2u);
      ASSERT_LE(limit.limit(), 4096u);
      ASSERT_GE(limit.wait_inside(), 0ns);
    }
  }
}

TEST(AdaptiveLimitTest, TimesBackwardsAndWithoutEndGiveALimitToo) {
  AdaptiveLimit limit({});
  Rng rng(5);
  TimePoint now{100s};
  const Duration odd[]{-1s, 0s, 1ns, 1s, Duration::max(), Duration::min()};
  for (int i = 0; i < 50'000; ++i) {
    now += Duration(static_cast<Duration::rep>(rng.below(20'000'000))) - 5ms;
    limit.answered({CallEnd::answered, odd[rng.below(6)], limit.limit(), rng.next() >> rng.below(64), true, true}, now);
    ASSERT_TRUE(std::isfinite(limit.baseline().value()));
    ASSERT_GE(limit.limit(), 2u);
    ASSERT_LE(limit.limit(), 4096u);
  }
}

TEST(AdaptiveLimitTest, AReloadMovesTheLimitIntoItsNewRangeAndKeepsWhatItLearned) {
  Stream stream;
  stream.answers(400, 10ms, 0);
  ASSERT_GE(stream.limit.limit(), 100u);
  const double usual = stream.limit.baseline().value();
  stream.limit.reconfigure({.range = {.start = 4, .least = 2, .most = 20}});
  EXPECT_EQ(stream.limit.limit(), 20u);
  EXPECT_EQ(stream.limit.baseline().value(), usual);
  stream.answers(2000, 10ms, 0);
  EXPECT_EQ(stream.limit.limit(), 20u);
  stream.limit.reconfigure({.range = {.start = 60, .least = 50, .most = 100}});
  EXPECT_EQ(stream.limit.limit(), 50u);
  stream.answers(2000, 10ms, 0);
  EXPECT_EQ(stream.limit.limit(), 100u);
}

TEST(AdaptiveLimitTest, SaysHowLongARequestWaitsInsideTheService) {
  AdaptiveLimit limit({.transit = 400us});
  EXPECT_EQ(limit.wait_inside(), 0ns);
  limit.end_of_window({0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 100ms}, TimePoint(100ms));
  limit.end_of_window({0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 200ms}, TimePoint(200ms));
  EXPECT_EQ(limit.wait_inside(), 0ns);
  limit.end_of_window({8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 300ms}, TimePoint(300ms));
  const LimitFacts facts = limit.facts();
  EXPECT_EQ(facts.moved, LimitMove::contention);
  EXPECT_EQ(facts.seen, 8);
  // knee 8 of a limit of 11.3, 784 answers a second: (3.3 - 1) / 784
  EXPECT_NEAR(seconds(limit.wait_inside()), 2.31 / 784, 2e-4);
}

TEST(AdaptiveLimitTest, IsLessThanHalfAKibibyte) { EXPECT_LE(sizeof(AdaptiveLimit), 512u); }

}  // namespace
}  // namespace weir::flow
