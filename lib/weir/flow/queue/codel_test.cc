#include <gtest/gtest.h>
#include <weir/flow/queue/codel.h>

#include <cmath>
#include <vector>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
const TimePoint start{1h};

/// The milliseconds after `from` at which items that waited 20 ms are dropped; one item a millisecond.
std::vector<int> drops(Codel& codel, TimePoint from, int milliseconds) {
  std::vector<int> at;
  for (int ms = 0; ms < milliseconds; ++ms)
    if (codel.should_drop(20ms, false, from + ms * 1ms)) at.push_back(ms);
  return at;
}

TEST(Codel, LetsABurstPassThatIsGoneWithinAnInterval) {
  Codel codel;
  for (int round = 0; round < 10; ++round) {
    const TimePoint at = start + round * 100ms;
    for (int ms = 0; ms < 99; ++ms) EXPECT_FALSE(codel.should_drop(50ms, false, at + ms * 1ms));
    EXPECT_FALSE(codel.should_drop(4ms, false, at + 99ms));
  }
}

TEST(Codel, DropsAtARateThatRisesWithTheSquareRootOfTheCount) {
  Codel codel;
  const auto at = drops(codel, start, 500);
  // 100, then + 100/sqrt(k) from the second on, each rounded up to the next item
  std::vector<int> expected;
  double next = 100;
  expected.push_back(100);
  for (int count = 1;;) {
    next += 100 / std::sqrt(count++);
    if (next >= 500) break;
    expected.push_back(static_cast<int>(std::ceil(next - 1e-6)));
  }
  EXPECT_EQ(at, expected);
  EXPECT_GT(at.size(), 6u);
}

TEST(Codel, StopsAsSoonAsOneItemWaitedLessThanTheTarget) {
  Codel codel;
  drops(codel, start, 300);
  EXPECT_TRUE(codel.dropping());
  EXPECT_FALSE(codel.should_drop(4ms, false, start + 300ms));
  EXPECT_FALSE(codel.dropping());
  EXPECT_FALSE(codel.should_drop(20ms, false, start + 301ms)) << "an interval starts anew";
}

TEST(Codel, NeverStarvesTheConsumerOfAnAlmostEmptyQueue) {
  Codel codel;
  for (int ms = 0; ms < 1000; ++ms) EXPECT_FALSE(codel.should_drop(1s, true, start + ms * 1ms));
}

TEST(Codel, ResumesTheLastRateWhenTheQueueStandsAgainSoonAndForgetsItLater) {
  Codel soon;
  const auto first = drops(soon, start, 1000);
  soon.should_drop(0ms, false, start + 1000ms);
  const auto again = drops(soon, start + 1001ms, 200);
  ASSERT_GT(again.size(), 3u);
  EXPECT_LT(again[1] - again[0], 100 / 2) << "starts near the rate it had reached";

  Codel later;
  drops(later, start, 1000);
  later.should_drop(0ms, false, start + 1000ms);
  const auto anew = drops(later, start + 5s, 250);
  ASSERT_GE(anew.size(), 2u);
  EXPECT_EQ(anew[1] - anew[0], 100) << "16 intervals later it starts from one";
}

}  // namespace
}  // namespace weir::flow
