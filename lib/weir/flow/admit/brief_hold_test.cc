// Who is held at the door for a moment, and for how long.
#include <gtest/gtest.h>
#include <weir/flow/admit/brief_hold.h>
#include <weir/flow/admit/door.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

struct BriefHoldTest : ::testing::Test {
  BriefHold policy{{.longest = 50ms, .most = 4}};
  TimePoint now{1h};
  Duration ask(BriefHold::HeldUnit& unit, Duration until_room, Duration each = 0ms) {
    policy.hold(unit, until_room, each, now);
    return unit.wait;
  }
};

TEST_F(BriefHoldTest, HoldsAUnitForTheTimeTheQueueNeeds) {
  BriefHold::HeldUnit unit;
  EXPECT_EQ(ask(unit, 20ms), 20ms);
  EXPECT_EQ(policy.held(), 1u);
  policy.leave(unit);
  EXPECT_EQ(policy.held(), 0u);
  EXPECT_EQ(unit.wait, 0ms);
}

TEST_F(BriefHoldTest, LooksAgainInATenthOfItsTimeWhenRoomMayComeAtAnyMoment) {
  BriefHold::HeldUnit unit;
  EXPECT_EQ(ask(unit, 0ms), 5ms);
}

TEST_F(BriefHoldTest, RefusesWhereRoomIsFartherThanAUnitIsHeld) {
  BriefHold::HeldUnit unit;
  EXPECT_EQ(ask(unit, 51ms), 0ms);
  EXPECT_EQ(ask(unit, longest_duration), 0ms);
  EXPECT_EQ(policy.held(), 0u);
}

TEST_F(BriefHoldTest, HoldsAUnitForNoLongerThanItsTimeHoweverOftenItAsks) {
  BriefHold::HeldUnit unit;
  Duration held{0};
  while (ask(unit, 20ms) > 0ms) {
    held += unit.wait;
    now += unit.wait;
    ASSERT_LE(held, 50ms);
  }
  EXPECT_EQ(held, 50ms);
  EXPECT_EQ(policy.held(), 0u) << "a hold that has ended is free";
}

TEST_F(BriefHoldTest, LetsNobodyWaitBehindSoManyThatItsTimeWouldPass) {
  BriefHold::HeldUnit first, second, third;
  EXPECT_GT(ask(first, 10ms, 25ms), 0ms);
  EXPECT_GT(ask(second, 10ms, 25ms), 0ms) << "10 ms, and 25 ms for the one before it";
  EXPECT_EQ(ask(third, 10ms, 25ms), 0ms) << "10 ms, and 50 ms for the two before it";
  EXPECT_GT(ask(first, 10ms, 25ms), 0ms) << "who is held already does not wait behind itself";
}

TEST_F(BriefHoldTest, HoldsNoMoreThanItsBound) {
  std::array<BriefHold::HeldUnit, 5> units;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_GT(ask(units[i], 1ms), 0ms);
  EXPECT_EQ(ask(units[4], 1ms), 0ms);
  policy.leave(units[0]);
  EXPECT_GT(ask(units[4], 1ms), 0ms);
}

struct DoorHolds : ::testing::Test {
  Door door{{}, 3};
  TimePoint now{1h};
  DoorFacts fact;
  BriefHold::HeldUnit unit;

  void full(Duration to_low) {
    fact.pressure.waiting = {1000, 1000_B};
    fact.pressure.bound = {1000, 1_GiB};
    fact.pressure.fill = 1;
    fact.pressure.service_rate = {800 / seconds(to_low)};
    fact.pressure.time_to_low = to_low;
    fact.paused = true;
  }
  void empty() {
    fact = {};
    fact.pressure.bound = {1000, 1_GiB};
  }
  auto ask(bool memory_full = false) { return door.decide({&fact, 1}, memory_full, now, &unit); }
};

TEST_F(DoorHolds, AUnitThatWillHaveRoomSoonAndLetsItInThen) {
  full(4ms);
  EXPECT_FALSE(ask());
  EXPECT_GT(unit.wait, 0ms);
  EXPECT_EQ(door.stats().refused, 0u);
  EXPECT_EQ(door.stats().held, 1u);
  now += 4ms;
  empty();
  EXPECT_TRUE(ask());
  EXPECT_EQ(unit.wait, 0ms);
  EXPECT_EQ(door.stats().admitted, 1u);
  EXPECT_EQ(door.stats().held, 1u);
}

TEST_F(DoorHolds, NobodyWhereTheQueueNeedsSecondsToItsLowWatermark) {
  full(2s);
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(unit.wait, 0ms);
  EXPECT_GE(answer.error().retry_after, 2s);
}

TEST_F(DoorHolds, NobodyOnceNothingHasMovedForLongerThanAUnitIsHeld) {
  full(4ms);
  ASSERT_FALSE(ask());
  ASSERT_GT(unit.wait, 0ms);
  now += 51ms;
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(unit.wait, 0ms);
  EXPECT_GE(answer.error().retry_after, 1s);
  BriefHold::HeldUnit other;
  EXPECT_FALSE(door.decide({&fact, 1}, false, now, &other));
  EXPECT_EQ(other.wait, 0ms) << "its last rate says 4 ms, but it has stalled";
}

TEST_F(DoorHolds, NobodyForAnOpenBreakerNorWhenItCloses) {
  empty();
  fact.to_probe = 5ms;
  EXPECT_FALSE(ask());
  EXPECT_EQ(unit.wait, 0ms) << "a probe is one request, not room";
  fact.to_probe.reset();
  full(4ms);
  EXPECT_FALSE(ask());
  ASSERT_GT(unit.wait, 0ms);
  door.close(10s, now);
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::shutting_down);
  EXPECT_EQ(unit.wait, 0ms) << "who is held is told at once";
}

TEST_F(DoorHolds, AUnitForWantOfMemoryWhileTheFlowMoves) {
  empty();
  EXPECT_FALSE(ask(true));
  EXPECT_GT(unit.wait, 0ms);
  EXPECT_TRUE(ask());
}

TEST_F(DoorHolds, NobodyWithoutAPlace) {
  full(4ms);
  const auto answer = door.decide({&fact, 1}, false, now);
  ASSERT_FALSE(answer);
  EXPECT_GE(answer.error().retry_after, 1s);
}

}  // namespace
}  // namespace weir::flow
