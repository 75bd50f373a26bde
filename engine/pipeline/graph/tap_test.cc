#include "pipeline/report/tap.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
const TimePoint start{seconds(100)};

TEST(Tap, IsOffUntilSomebodyReadsIt) {
  Tap tap;
  EXPECT_FALSE(tap.on());
  EXPECT_TRUE(tap.read(0, 10, 1, start).events.empty());
  EXPECT_TRUE(tap.on());
}

TEST(Tap, GivesEachReaderWhatItHasNotSeen) {
  Tap tap;
  tap.read(0, 10, 1, start);
  for (const char* event : {"a", "b", "c"}) tap.offer(event, start);
  auto page = tap.read(0, 2, 1, start);
  ASSERT_EQ(page.events.size(), 2u);
  EXPECT_EQ(page.events[0].event, "a");
  page = tap.read(page.next, 10, 1, start);
  ASSERT_EQ(page.events.size(), 1u);
  EXPECT_EQ(page.events[0].event, "c");
  EXPECT_TRUE(tap.read(page.next, 10, 1, start).events.empty());
}

TEST(Tap, TurnsItselfOffWhenNobodyReadsAnyMoreAndLetsGoOfItsMemory) {
  Tap tap({.lease = seconds(5)});
  tap.read(0, 10, 1, start);
  tap.offer("kept", start + seconds(5));
  EXPECT_TRUE(tap.on());
  tap.offer("late", start + seconds(6));
  EXPECT_FALSE(tap.on());
  EXPECT_TRUE(tap.read(0, 10, 1, start + seconds(7)).events.empty());
}

TEST(Tap, CopiesAtMostItsRateAndCountsTheRest) {
  Tap tap({.per_second = 100});
  tap.read(0, 1000, 1, start);
  for (int i = 0; i < 1000; ++i) tap.offer("x", start + milliseconds(1));
  auto page = tap.read(0, 1000, 1, start + milliseconds(2));
  EXPECT_EQ(page.events.size(), 10u);
  EXPECT_EQ(page.passed, 1000u);
  EXPECT_EQ(page.missed, 990u);
  for (int i = 0; i < 1000; ++i) tap.offer("x", start + milliseconds(150));
  EXPECT_EQ(tap.read(page.next, 1000, 1, start + milliseconds(200)).events.size(), 10u);
}

TEST(Tap, HoldsNoMoreThanItsMemoryForAReaderThatSleeps) {
  Tap tap({.per_second = 1000000, .memory = 1_KiB, .largest = 100_B});
  tap.read(0, 1000, 1, start);
  for (int i = 0; i < 100; ++i) tap.offer(std::string(500, 'x'), start);
  const auto page = tap.read(0, 1000, 1, start);
  EXPECT_EQ(page.events.size(), 10u);
  EXPECT_EQ(page.events[0].event.size(), 100u);
  EXPECT_TRUE(page.events[0].cut);
  EXPECT_EQ(page.missed, 90u);
}

TEST(Tap, TakesOneOfEverySoManyWithoutCallingTheOthersMissed) {
  Tap tap;
  tap.read(0, 10, 10, start);
  for (int i = 0; i < 50; ++i) tap.offer(std::to_string(i), start);
  const auto page = tap.read(0, 100, 10, start);
  ASSERT_EQ(page.events.size(), 5u);
  EXPECT_EQ(page.events[1].event, "10");
  EXPECT_EQ(page.missed, 0u);
}

TEST(TapBoard, AllowsOnlySoManyAtATime) {
  TapBoard board;
  for (int i = 0; i < 6; ++i) board.add("t" + std::to_string(i));
  for (int i = 0; i < 4; ++i) board.find("t" + std::to_string(i))->read(0, 1, 1, start);
  EXPECT_TRUE(board.may_turn_on(*board.find("t0")));
  EXPECT_FALSE(board.may_turn_on(*board.find("t5")));
  EXPECT_EQ(board.find("nobody"), nullptr);
}

}  // namespace
}  // namespace weir::pipeline
