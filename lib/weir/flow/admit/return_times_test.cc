#include <weir/flow/admit/return_times.h>

#include <gtest/gtest.h>

#include <map>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start = TimePoint(1000s);

TEST(ReturnTimes, TellNoMoreToASecondThanAreAnsweredInOne) {
  ReturnTimes times;
  std::map<Duration, int> told;
  for (int i = 0; i < 100; ++i) ++told[times.tell(50ms, start)];
  EXPECT_EQ(told.size(), 5u);
  for (const auto& [when, count] : told) EXPECT_EQ(count, 20) << when.count();
}

TEST(ReturnTimes, AreWholeSecondsAndNeverMoreThanAMinute) {
  ReturnTimes times;
  Duration last{};
  for (int i = 0; i < 100; ++i) last = times.tell(5s, start);
  EXPECT_EQ(last, 60s);
  EXPECT_EQ(ReturnTimes().tell(Duration{0}, start), 1s);
  EXPECT_EQ(ReturnTimes().tell(1ns, start), 1s);
}

TEST(ReturnTimes, ThatHavePassedAreFreeAgain) {
  ReturnTimes times;
  for (int i = 0; i < 10; ++i) (void)times.tell(1s, start);
  EXPECT_EQ(times.tell(1s, start), 11s);
  EXPECT_EQ(times.tell(1s, start + 30s), 1s);
}

}  // namespace
}  // namespace weir::flow
