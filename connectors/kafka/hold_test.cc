#include "hold.h"

#include <gtest/gtest.h>

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using Step = Hold::Step;

constexpr Hold::Marks marks{.high = {100, 1000_B}, .low = {10, 100_B}, .patience = 500ms};
constexpr TimePoint start{1s};

}  // namespace

TEST(KafkaHold, PollsBelowTheHighMark) {
  Hold hold(marks);
  EXPECT_EQ(hold.next({99, 999_B}, start), Step::poll);
}

TEST(KafkaHold, HoldsStillBeforeItPauses) {
  Hold hold(marks);
  EXPECT_EQ(hold.next({100, 1_B}, start), Step::wait);
  EXPECT_EQ(hold.next({100, 1_B}, start + 499ms), Step::wait);
  EXPECT_FALSE(hold.paused());
  EXPECT_EQ(hold.next({100, 1_B}, start + 500ms), Step::pause);
  EXPECT_TRUE(hold.paused());
}

TEST(KafkaHold, ForgetsAWaitThatEnded) {
  Hold hold(marks);
  EXPECT_EQ(hold.next({100, 1_B}, start), Step::wait);
  EXPECT_EQ(hold.next({99, 1_B}, start + 400ms), Step::poll);
  EXPECT_EQ(hold.next({100, 1_B}, start + 600ms), Step::wait);
}

TEST(KafkaHold, BytesAloneAreEnough) {
  Hold hold(marks);
  EXPECT_EQ(hold.next({1, 1000_B}, start), Step::wait);
}

TEST(KafkaHold, GoesOnPollingWhilePausedAndResumesOnlyBelowTheLowMark) {
  Hold hold(marks);
  hold.next({100, 1_B}, start);
  hold.next({100, 1_B}, start + 500ms);
  EXPECT_EQ(hold.next({100, 1_B}, start + 501ms), Step::poll);
  EXPECT_EQ(hold.next({11, 1_B}, start + 502ms), Step::poll);
  EXPECT_EQ(hold.next({10, 101_B}, start + 503ms), Step::poll);
  EXPECT_EQ(hold.next({10, 100_B}, start + 504ms), Step::resume);
  EXPECT_EQ(hold.next({10, 100_B}, start + 505ms), Step::poll);
}

}  // namespace weir::kafka
