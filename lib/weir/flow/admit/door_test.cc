#include <gtest/gtest.h>
#include <weir/flow/admit/door.h>

#include <map>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

struct DoorTest : ::testing::Test {
  DoorConfig config;
  Door door{config, 3};
  TimePoint now{1h};
  DoorFacts fact = queue(0);

  /// A sink queue for 1 000 events that serves 1 000 a second.
  static DoorFacts queue(std::uint64_t waiting) {
    DoorFacts f;
    f.pressure.waiting = {waiting, Bytes(waiting)};
    f.pressure.bound = {1000, 1_GiB};
    f.pressure.fill = static_cast<double>(waiting) / 1000;
    f.pressure.service_rate = {1000};
    f.pressure.time_to_low = from_seconds(std::max(0.0, (static_cast<double>(waiting) - 200) / 1000));
    f.paused = waiting >= 800;
    return f;
  }
  Admitted<void> ask(bool memory_full = false) { return door.decide({&fact, 1}, memory_full, now); }
  void learn(std::uint64_t events) {
    fact = queue(0);
    ASSERT_TRUE(ask());
    door.on_admitted(events);
  }
};

TEST_F(DoorTest, LetsEverybodyInWhileThereIsRoom) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(ask());
    door.on_admitted(10);
    now += 10ms;
  }
  EXPECT_EQ(door.stats().admitted, 100u);
}

TEST_F(DoorTest, NamesTheReasonAndAWholeNumberOfSeconds) {
  fact = queue(1000);
  auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::flow_full);
  EXPECT_GE(answer.error().retry_after, 1s);
  EXPECT_EQ(answer.error().retry_after % 1s, 0s);

  fact = queue(900);
  fact.limit = 0.8;
  EXPECT_EQ(ask().error().reason, Reason::priority_shed);
  fact = queue(0);
  EXPECT_EQ(ask(true).error().reason, Reason::memory_full);
  fact.to_probe = 5s;
  EXPECT_EQ(ask().error().reason, Reason::breaker_open);
  fact.blocked_by = Reason::destination_hold;
  EXPECT_EQ(ask().error().reason, Reason::destination_hold);
}

TEST_F(DoorTest, TellsTheTimeToTheProbePlusJitterOfTheSameLength) {
  fact.to_probe = 10s;
  std::map<Duration, int> told;
  for (int i = 0; i < 200; ++i, now += 1s) ++told[ask().error().retry_after];
  EXPECT_GE(told.begin()->first, 10s);
  EXPECT_LE(told.rbegin()->first, 21s);
  EXPECT_GT(told.size(), 8u) << "spread, not one moment";
}

TEST_F(DoorTest, TellsTheDrainDeadlineWhenStopping) {
  door.close(20s, now);
  now += 5s;
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::shutting_down);
  EXPECT_GE(answer.error().retry_after, 15s);
  EXPECT_LE(answer.error().retry_after, 30s);
}

TEST_F(DoorTest, NeverTellsMoreThanItsMaximum) {
  fact.to_probe = 24h;
  EXPECT_EQ(ask().error().retry_after, 60s);
}

TEST_F(DoorTest, PromisesNoSecondMoreThanTheSinkCanServeInIt) {
  learn(100);  // 10 requests a second
  fact = queue(1000);
  std::map<std::int64_t, int> promised;
  for (int i = 0; i < 200; ++i, now += 5ms) {
    const auto answer = ask();
    ASSERT_FALSE(answer);
    ++promised[(now + answer.error().retry_after).time_since_epoch() / 1s];
  }
  for (const auto& [second, n] : promised) EXPECT_LE(n, 12) << second;
  EXPECT_GT(promised.size(), 15u);
  EXPECT_EQ(door.stats().unpromised, 0u);
}

TEST_F(DoorTest, SaysSoWhenNoTimeItMayTellIsFree) {
  learn(1000);  // one request a second
  fact = queue(1000);
  for (int i = 0; i < 200; ++i) (void)ask();
  EXPECT_GT(door.stats().unpromised, 100u);
  EXPECT_EQ(ask().error().retry_after, 60s);
}

TEST_F(DoorTest, AdmitsWhoComesBackWhenToldEvenWhileTheSinkQueueIsPaused) {
  learn(20);
  fact = queue(900);
  const auto answer = ask();
  ASSERT_FALSE(answer) << "paused";
  now += answer.error().retry_after - 300ms;
  EXPECT_FALSE(ask()) << "a moment nobody was told";
  now += 300ms;
  EXPECT_TRUE(ask());
}

TEST_F(DoorTest, AdmitsNobodyBeyondTheBoundEvenIfPromised) {
  learn(20);
  fact = queue(1000);
  const auto answer = ask();
  now += answer.error().retry_after;
  EXPECT_FALSE(ask()) << "still full: a promise does not move the bound";
}

TEST_F(DoorTest, CountsAdmittedRequestsThatAreStillBeingRead) {
  learn(100);
  fact = queue(300);
  int admitted = 0;
  while (ask() && admitted < 100) ++admitted;
  EXPECT_EQ(admitted, 5) << "300 + 5 x 100 with the next are above 0.85 of 1000";
  for (int i = 0; i < admitted; ++i) door.on_admitted(0);
  EXPECT_TRUE(ask()) << "they brought nothing";
}

TEST_F(DoorTest, ForgetsARequestThatNeverSaysWhatItBrought) {
  learn(100);
  fact = queue(500);
  int silent = 0;
  while (ask() && silent < 100) ++silent;
  EXPECT_EQ(silent, 3);
  for (int s = 0; s < 90 && !ask(); ++s) now += 1s;
  EXPECT_LT(now, TimePoint(1h) + 90s) << "admitted again";
}

TEST_F(DoorTest, AStalledSinkIsAnsweredFinitelyAndEverLater) {
  learn(20);
  fact = queue(1000);
  Duration shortest_before{0};
  for (const auto pause : {0s, 10s, 10s, 20s}) {
    now += pause;
    Duration shortest = 1h;
    for (int i = 0; i < 5; ++i) shortest = std::min(shortest, ask().error().retry_after);
    EXPECT_GT(shortest, shortest_before);
    EXPECT_LE(shortest, 60s);
    shortest_before = shortest;
  }
}

TEST_F(DoorTest, ASinkThatMovesIsNotTakenForStalled) {
  learn(20);
  for (std::uint64_t waiting = 1000; waiting > 820; waiting -= 1, now += 100ms) {
    fact = queue(waiting);
    const auto answer = ask();
    if (!answer) EXPECT_LE(answer.error().retry_after, 4s);
  }
}

TEST_F(DoorTest, TheSlowestDestinationDecides) {
  learn(100);
  std::array<DoorFacts, 2> both{queue(100), queue(950)};
  const auto answer = door.decide(both, false, now);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::flow_full);
}

TEST_F(DoorTest, BeforeAnyRateIsKnownTheWatermarksDecide) {
  fact.pressure.service_rate = {0};
  fact.pressure.time_to_low.reset();
  EXPECT_TRUE(ask());
  fact.paused = true;
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().retry_after, 1s);
}

TEST_F(DoorTest, NothingRequiredIsNothingInTheWay) { EXPECT_TRUE(door.decide({}, false, now)); }

}  // namespace
}  // namespace weir::flow
