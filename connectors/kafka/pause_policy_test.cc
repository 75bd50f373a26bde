#include "pause_policy.h"

#include <gtest/gtest.h>

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using Step = PausePolicy::Step;

constexpr PausePolicy::Watermarks watermarks{.high = {100, 1000_B}, .low = {10, 100_B}, .patience = 500ms};
constexpr TimePoint start{1s};

}  // namespace

TEST(KafkaPausePolicy, PollsBelowTheHighMark) {
  PausePolicy hold(watermarks);
  EXPECT_EQ(hold.next({99, 999_B}, start), Step::poll);
}

TEST(KafkaPausePolicy, HoldsStillBeforeItPauses) {
  PausePolicy hold(watermarks);
  EXPECT_EQ(hold.next({100, 1_B}, start), Step::wait);
  EXPECT_EQ(hold.next({100, 1_B}, start + 499ms), Step::wait);
  EXPECT_FALSE(hold.paused());
  EXPECT_EQ(hold.next({100, 1_B}, start + 500ms), Step::pause);
  EXPECT_TRUE(hold.paused());
}

TEST(KafkaPausePolicy, ForgetsAWaitThatEnded) {
  PausePolicy hold(watermarks);
  EXPECT_EQ(hold.next({100, 1_B}, start), Step::wait);
  EXPECT_EQ(hold.next({99, 1_B}, start + 400ms), Step::poll);
  EXPECT_EQ(hold.next({100, 1_B}, start + 600ms), Step::wait);
}

TEST(KafkaPausePolicy, BytesAloneAreEnough) {
  PausePolicy hold(watermarks);
  EXPECT_EQ(hold.next({1, 1000_B}, start), Step::wait);
}

TEST(KafkaPausePolicy, GoesOnPollingWhilePausedAndResumesOnlyBelowTheLowMark) {
  PausePolicy hold(watermarks);
  hold.next({100, 1_B}, start);
  hold.next({100, 1_B}, start + 500ms);
  EXPECT_EQ(hold.next({100, 1_B}, start + 501ms), Step::poll);
  EXPECT_EQ(hold.next({11, 1_B}, start + 502ms), Step::poll);
  EXPECT_EQ(hold.next({10, 101_B}, start + 503ms), Step::poll);
  EXPECT_EQ(hold.next({10, 100_B}, start + 504ms), Step::resume);
  EXPECT_EQ(hold.next({10, 100_B}, start + 505ms), Step::poll);
}

}  // namespace weir::kafka
