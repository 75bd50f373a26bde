#include <gtest/gtest.h>
#include <weir/flow/admit/sliding_counter.h>

#include "rates_for_test.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(SlidingCounter, CountsTheWindowBeforeByThePartThatIsStillInReach) {
  SlidingCounter counter({100, 60s});
  EXPECT_EQ(passes(counter, 0, 80), 0);
  EXPECT_EQ(passes(counter, 75, 41), std::nullopt) << "three quarters of 80 still count";
  EXPECT_EQ(passes(counter, 75, 40), 0);
  EXPECT_EQ(passes(counter, 75, 1), std::nullopt);
  EXPECT_EQ(quota(counter, 90), (Quota{20, 90})) << "40 and half of 80";
}

TEST(SlidingCounter, SaysExactlyWhenTheNextPass) {
  SlidingCounter counter({100, 60s});
  EXPECT_EQ(passes(counter, 0, 100), 0);
  EXPECT_EQ(counter.ready_in(1, at(30)), from_seconds(30.6)) << "one in a hundred of the next window later";
  EXPECT_EQ(counter.ready_in(101, at(30)), Duration::max());
  EXPECT_EQ(counter.ready_in(1, at(60.6)), 0s);
  EXPECT_GT(counter.ready_in(1, at(60.599)), 0s);
}

TEST(SlidingCounter, ForgetsWhatIsTwoWindowsOld) {
  SlidingCounter counter({10, 1s});
  EXPECT_EQ(passes(counter, 0, 10), 0);
  EXPECT_EQ(quota(counter, 2), (Quota{10, 0}));
  EXPECT_EQ(passes(counter, 2, 10), 0);
}

TEST(SlidingCounter, GivesBackWhatTheWindowBeforeHadTaken) {
  SlidingCounter counter({10, 1s});
  EXPECT_EQ(passes(counter, 0, 10), 0);
  counter.give_back(10, at(1));
  EXPECT_EQ(passes(counter, 1, 10), 0);
}

}  // namespace
}  // namespace weir::flow
