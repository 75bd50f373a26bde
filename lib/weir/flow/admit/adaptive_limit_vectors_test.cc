// The published vectors of the controller: each window (least followers q, mean logarithm l of the response time, the
// same without the queue, its deviation and error, answers, mean response time, the time of its end) and the limit
// after it. Each begins anew, with 0.4 ms of network, and its windows are said to have begun at 0.
#include <gtest/gtest.h>
#include <weir/flow/admit/adaptive_limit.h>

#include <string>
#include <vector>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

struct Step {
  double followers, typical, unqueued, deviation, error;
  int answers;
  double mean, at;
  std::uint32_t limit;
};

void expect_limits(const std::vector<Step>& steps) {
  AdaptiveLimit limit({.transit = 400us});
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& s = steps[i];
    const AnswerSummary seen{s.followers, s.typical, s.unqueued, s.deviation,
                             s.error,     s.answers, s.mean,     from_seconds(s.at)};
    limit.end_of_window(seen, TimePoint(from_seconds(s.at)));
    EXPECT_EQ(limit.limit(), s.limit) << "step " << i + 1;
  }
}

TEST(AdaptiveLimitVectors, V1LearnsWithoutAQueueAndDoublesWhileTheTypicalTimeDoesNotRise) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.3, 32},
  });
}

TEST(AdaptiveLimitVectors, V2AQueueOfEightExponentialSlotsBringsItBackToTheSlotsAndTheRoom) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 0.3, 11},
      {3, -4.5830, -4.5830, 0.7, 0.1, 64, 0.0142, 0.4, 11},
      {3, -4.5830, -4.5830, 0.7, 0.1, 64, 0.0142, 0.5, 11},
  });
}

TEST(AdaptiveLimitVectors, V3NearTheTargetItMovesByWhatIsMissingAndBelowThreeTenthsNotAtAll) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 0.3, 11},
      {2, -4.5830, -5.1499, 0.7, 0.1, 64, 0.0142, 0.4, 12},
      {2.9, -4.5830, -5.1499, 0.7, 0.1, 64, 0.0142, 0.5, 12},
  });
}

TEST(AdaptiveLimitVectors, V4ConstantServiceIsTakenFromTheTypicalTimeWhereFollowersSayLMinusOne) {
  expect_limits({
      {3, -4.5659, -4.5659, 0, 0, 64, 0.0104, 0.1, 8},
      {7, -4.5659, -4.5659, 0, 0, 16, 0.0104, 0.2, 16},
      {15, -3.9120, -3.9120, 0, 0, 16, 0.02, 0.3, 11},
      {10, -4.2831, -4.2831, 0, 0, 64, 0.0138, 0.4, 11},
      {10, -4.2831, -4.2831, 0, 0, 64, 0.0138, 0.5, 11},
  });
}

TEST(AdaptiveLimitVectors, V5ConstantServiceThatBecomesTwiceAsSlowIsTheNewBaselineAtOnce) {
  expect_limits({
      {3, -4.5659, -4.5659, 0, 0, 64, 0.0104, 0.1, 8},
      {7, -4.5659, -4.5659, 0, 0, 16, 0.0104, 0.2, 16},
      {15, -3.9120, -3.9120, 0, 0, 16, 0.02, 0.3, 11},
      {10, -4.2831, -4.2831, 0, 0, 64, 0.0138, 0.4, 11},
      {10, -3.5899, -3.5899, 0, 0, 64, 0.0276, 0.5, 16},
      {5, -3.8922, -3.8922, 0, 0, 64, 0.0204, 0.6, 20},
      {9, -3.6306, -3.6306, 0, 0, 64, 0.0265, 0.7, 21},
      {9, -3.6306, -3.6306, 0, 0, 64, 0.0265, 0.8, 22},
  });
}

TEST(AdaptiveLimitVectors, V6ProcessorSharingHasNoQueueAndIsSlower) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {0, -4.4526, -4.4526, 1.2, 0.05, 512, 0.0208, 0.3, 12},
      {0, -4.7150, -4.7150, 1.2, 0.05, 512, 0.016, 0.4, 12},
      {0, -4.7150, -4.7150, 1.2, 0.05, 512, 0.016, 0.5, 11},
  });
}

TEST(AdaptiveLimitVectors, V7ProcessorSharingDipsBelowTheKneeLaterAndComesBack) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {0, -4.4526, -4.4526, 1.2, 0.05, 512, 0.0208, 0.3, 12},
      {0, -4.7150, -4.7150, 1.2, 0.05, 512, 0.016, 2, 6},
      {0, -5.1458, -5.1458, 1.2, 0.05, 512, 0.0104, 2.2, 11},
  });
}

TEST(AdaptiveLimitVectors, V8ServiceThatIsTwiceAsSlowWithTheSameQueueIsHeldByTheFollowers) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 0.3, 11},
      {3, -4.5830, -4.5830, 0.7, 0.1, 64, 0.0142, 0.4, 11},
      {3, -3.8899, -3.8899, 0.7, 0.1, 64, 0.0284, 0.5, 11},
      {3, -3.8899, -3.8899, 0.7, 0.1, 64, 0.0284, 0.6, 11},
  });
}

TEST(AdaptiveLimitVectors, V9HalvedSlotsLowerItByHalfAtMost) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 0.3, 11},
      {3, -4.5830, -4.5830, 0.7, 0.1, 64, 0.0142, 0.4, 11},
      {7, -3.8167, -3.8167, 0.5, 0.1, 64, 0.0275, 0.5, 7},
      {3, -4.3332, -4.3332, 0.6, 0.1, 64, 0.0175, 0.6, 7},
  });
}

TEST(AdaptiveLimitVectors, V10DoubledSlotsRaiseItFasterEachTimeAndAreLearnedAnew) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 0.3, 11},
      {3, -4.5830, -4.5830, 0.7, 0.1, 64, 0.0142, 0.4, 11},
      {0, -5.1458, -5.1458, 1.2, 0.1, 64, 0.0104, 0.5, 14},
      {0, -5.1458, -5.1458, 1.2, 0.1, 64, 0.0104, 0.6, 23},
      {0, -5.1458, -5.1458, 1.2, 0.1, 64, 0.0104, 0.7, 44},
      {0, -5.1458, -5.1458, 1.2, 0.1, 64, 0.0104, 0.8, 88},
  });
}

TEST(AdaptiveLimitVectors, V11AnUnsureRiseIsNoSharingButSlowsGrowth) {
  expect_limits({
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.1, 8},
      {0, -5.1458, -5.1458, 1.2, 0.2, 64, 0.0104, 0.2, 16},
      {8, -4.1154, -4.1154, 0.5, 0.1, 64, 0.0204, 0.3, 11},
      {0, -4.9618, -4.9618, 1.2, 0.15, 64, 0.0125, 0.4, 14},
      {0, -4.9618, -4.9618, 1.2, 0.15, 64, 0.0125, 0.5, 18},
  });
}

using Changes = std::vector<std::pair<int, std::uint32_t>>;

/// `times` answers, each told as `answer` says for the limit of the moment; after which of them the limit was another.
template <typename Make>
Changes changes(AdaptiveLimit& limit, int times, Duration apart, TimePoint& now, Make answer) {
  Changes changes;
  for (int n = 1; n <= times; ++n) {
    now += apart;
    limit.answered(answer(limit.limit()), now);
    if (changes.empty() || changes.back().second != limit.limit()) changes.emplace_back(n, limit.limit());
  }
  return changes;
}

TEST(AdaptiveLimitVectors, V12AFullLimitWhoseRequestsNeverOvertakeIsLearned) {
  AdaptiveLimit limit({});
  TimePoint now{};
  const auto seen = changes(limit, 400, 2500us, now,
                            [](std::uint32_t l) { return Answer{CallEnd::answered, 10ms, l, l - 1, true, true}; });
  EXPECT_EQ(seen, (Changes{{1, 4}, {64, 8}, {92, 16}, {132, 32}, {212, 64}, {372, 128}}));
}

TEST(AdaptiveLimitVectors, V13WithoutFollowersItDoublesAndWhatIsNotUsedIsTakenBack) {
  AdaptiveLimit limit({});
  TimePoint now{};
  const auto full =
      changes(limit, 400, 1ms, now, [](std::uint32_t l) { return Answer{CallEnd::answered, 10ms, l, 0, true, true}; });
  EXPECT_EQ(full, (Changes{{1, 4}, {17, 8}, {45, 16}, {85, 32}, {165, 64}, {325, 128}}));
  const auto idle =
      changes(limit, 2000, 1ms, now, [](std::uint32_t) { return Answer{CallEnd::answered, 10ms, 5, 0, false, false}; });
  EXPECT_EQ(idle, (Changes{{1, 128}, {256, 64}}));
  EXPECT_EQ(limit.facts().moved, LimitMove::unused);
}

TEST(AdaptiveLimitVectors, V14LightLoadLearnsTheBaselineAndLeavesTheLimit) {
  AdaptiveLimit limit({});
  TimePoint now{};
  const auto seen =
      changes(limit, 300, 10ms, now, [](std::uint32_t) { return Answer{CallEnd::answered, 10ms, 1, 0, false, false}; });
  EXPECT_EQ(seen, (Changes{{1, 4}}));
  EXPECT_NEAR(limit.baseline().value(), -4.6052, 1e-4);
  EXPECT_EQ(limit.baseline().weight(), 200);
}

}  // namespace
}  // namespace weir::flow
