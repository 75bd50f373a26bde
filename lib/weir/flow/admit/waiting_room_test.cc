#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/waiting_room.h>
#include <weir/flow/checks_for_test.h>

#include <map>
#include <set>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{100s};

WaitingRoom::Arrival of(std::uint64_t id, Priority priority = Priority::normal, std::uint32_t share = 0,
                        TimePoint deadline = never) {
  return {.id = id, .priority = priority, .share = share, .weight = 1, .deadline = deadline};
}

/// A room whose service takes 10 ms and calls one each ms: W is known, and the dispatches are.
class Busy {
 public:
  explicit Busy(const WaitingRoomConfig& config = {}) : room(config) {
    for (int i = 0; i < 400; ++i) {
      EXPECT_TRUE(room.enter(of(1'000'000), never, now));
      EXPECT_TRUE(room.enter(of(1'000'001), never, now));
      now += 1ms;
      while (!room.empty()) EXPECT_FALSE(room.next(now)->refused);
      room.answered(10ms, 0ms, now);
    }
    while (!room.empty()) static_cast<void>(room.next(now));
  }
  bool enter(std::uint64_t id, Priority priority = Priority::normal, std::uint32_t share = 0) {
    const auto entered = room.enter(of(id, priority, share), never, now);
    pushed_out = entered ? entered->pushed_out : std::nullopt;
    return entered.has_value();
  }
  /// As many as are let in, at most `most`.
  int fill(Priority priority, int most = 10'000, std::uint32_t share = 0) {
    int in = 0;
    while (in < most && enter(next_id++, priority, share) && !pushed_out) ++in;
    return in;
  }
  std::uint64_t called() { return room.next(now)->id; }

  WaitingRoom room;
  TimePoint now = start;
  std::optional<std::uint64_t> pushed_out;
  std::uint64_t next_id = 1;
};

TEST(WaitingRoomTest, CallsInOrderOfArrivalAndNobodyWhenItIsEmpty) {
  Busy busy;
  EXPECT_FALSE(busy.room.next(busy.now));
  for (std::uint64_t id : {5, 6, 7}) EXPECT_TRUE(busy.enter(id));
  for (std::uint64_t id : {5, 6, 7}) EXPECT_EQ(busy.called(), id);
  EXPECT_TRUE(busy.room.empty());
}

TEST(WaitingRoomTest, RefusesAtOnceWhatWouldWaitInVainAndSaysForHowLong) {
  Busy busy;
  const WaitingRoom::Stats stats = busy.room.stats();
  EXPECT_NEAR(stats.dispatches.value, 2000, 20);
  const int in = busy.fill(Priority::high);
  // (waiting + 1) / 2000 <= W
  EXPECT_NEAR(in, seconds(stats.budget) * 2000, 2);
  const auto refused = busy.room.enter(of(1, Priority::high), never, busy.now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::concurrency_limited);
  EXPECT_NEAR(seconds(refused.error().retry_after), (in + 1) / 2000.0, 1e-3);
}

TEST(WaitingRoomTest, WhatMattersLessIsRefusedEarlier) {
  std::map<Priority, int> in;
  for (const Priority priority : {Priority::batch, Priority::low, Priority::normal, Priority::high})
    in[priority] = Busy().fill(priority);
  const double all = in[Priority::high];
  EXPECT_NEAR(in[Priority::normal], 0.95 * all, 1);
  EXPECT_NEAR(in[Priority::low], 0.9 * all, 1);
  EXPECT_NEAR(in[Priority::batch], 0.8 * all, 1);
}

TEST(WaitingRoomTest, TwoMayAlwaysWait) {
  WaitingRoom room({});
  TimePoint now = start;
  for (int i = 0; i < 50; ++i) {  // 25 a second, W 50 ms
    EXPECT_TRUE(room.enter(of(1), never, now));
    now += 40ms;
    EXPECT_FALSE(room.next(now)->refused);
    room.answered(10ms, 0ms, now);
  }
  EXPECT_TRUE(room.enter(of(1, Priority::batch), never, now));
  EXPECT_TRUE(room.enter(of(2, Priority::batch), never, now));
  EXPECT_FALSE(room.enter(of(3, Priority::batch), never, now));
}

TEST(WaitingRoomTest, OneThatMattersMorePushesOutTheYoungestOfTheLowest) {
  Busy busy;
  ASSERT_TRUE(busy.enter(500, Priority::batch));
  ASSERT_TRUE(busy.enter(501, Priority::batch));
  busy.fill(Priority::low);
  EXPECT_EQ(busy.pushed_out, 501u);
  ASSERT_TRUE(busy.enter(600, Priority::normal));
  EXPECT_FALSE(busy.pushed_out) << "a little more fits of what matters more";
  busy.fill(Priority::normal);
  EXPECT_EQ(busy.pushed_out, 500u);
  ASSERT_EQ(busy.room.waiting(Priority::batch), 0u);
  const auto youngest = busy.next_id;
  busy.fill(Priority::high);
  EXPECT_LT(*busy.pushed_out, youngest) << "of low, the lowest there is";
}

TEST(WaitingRoomTest, ATenantWithFewWaitingTakesThePlaceOfTheOneWithMost) {
  Busy busy;
  const int in = busy.fill(Priority::normal, 10'000, 1);
  ASSERT_GT(in, 4);
  EXPECT_FALSE(busy.enter(900, Priority::normal, 1)) << "not its own";
  ASSERT_TRUE(busy.enter(901, Priority::normal, 2));
  EXPECT_EQ(busy.pushed_out, static_cast<std::uint64_t>(in));
  EXPECT_EQ(busy.called(), 1u);
  EXPECT_EQ(busy.called(), 901u);
}

TEST(WaitingRoomTest, OneThatWasToldToComeNowTakesThePlaceOfOneThatWasNotAndIsCalledFirst) {
  Busy busy;
  const int in = busy.fill(Priority::normal);
  const auto comes = [&](std::uint64_t id, Priority priority = Priority::normal, std::uint32_t share = 0) {
    auto arrival = of(id, priority, share);
    arrival.returns = true;
    return busy.room.enter(arrival, never, busy.now);
  };
  const auto entered = comes(5000);
  ASSERT_TRUE(entered);
  EXPECT_EQ(entered->pushed_out, std::uint64_t(in)) << "the youngest";
  EXPECT_EQ(busy.called(), 5000u);
  std::uint64_t more = 6000;
  while (comes(more) && more < 7000) ++more;
  EXPECT_GE(more, 6000u + static_cast<std::uint64_t>(in)) << "each of the others had to go";
  EXPECT_LT(more, 7000u) << "nobody is left who was not told";
  EXPECT_TRUE(comes(9001, Priority::high)) << "priorities count as ever";
}

TEST(WaitingRoomTest, WhoWaitsBehindThoseThatWereToldToComeIsRefusedInTimeToo) {
  Busy busy;
  const Duration w = busy.room.stats().budget;
  EXPECT_TRUE(busy.enter(1));
  busy.now += w;
  auto returns = of(2);
  returns.returns = true;
  EXPECT_TRUE(busy.room.enter(returns, never, busy.now));
  busy.now += w / 4;
  const auto late = busy.room.expired(busy.now);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->id, 1u);
  EXPECT_FALSE(busy.room.expired(busy.now));
  EXPECT_EQ(busy.called(), 2u);
}

TEST(WaitingRoomTest, TenantsTakeTurnsHoweverManyEachHasWaiting) {
  Busy busy;
  ASSERT_GE(busy.fill(Priority::normal, 10, 1), 10);
  busy.next_id = 101;
  ASSERT_GE(busy.fill(Priority::normal, 3, 2), 3);
  std::vector<std::uint64_t> called;
  for (int i = 0; i < 8; ++i) called.push_back(busy.called());
  EXPECT_EQ(called, (std::vector<std::uint64_t>{1, 101, 2, 102, 3, 103, 4, 5}));
}

TEST(WaitingRoomTest, CriticalOnesHaveALaneOfTheirOwnAndAreServedFirst) {
  Busy busy;
  busy.fill(Priority::high);
  ASSERT_TRUE(busy.enter(700, Priority::critical));
  EXPECT_FALSE(busy.pushed_out);
  ASSERT_TRUE(busy.enter(701, Priority::critical));
  EXPECT_EQ(busy.called(), 700u);
  EXPECT_EQ(busy.called(), 701u);
  EXPECT_EQ(busy.called(), 1u);
}

TEST(WaitingRoomTest, AHigherPriorityIsServedFirstUntilTheOtherHasWaitedATenthOfTheBudgetLonger) {
  Busy busy;
  const Duration w = busy.room.stats().budget;
  ASSERT_TRUE(busy.enter(1, Priority::normal));
  busy.now += w / 20;
  ASSERT_TRUE(busy.enter(2, Priority::high));
  EXPECT_EQ(busy.called(), 2u);
  busy.now += w / 5;
  ASSERT_TRUE(busy.enter(3, Priority::high));
  EXPECT_EQ(busy.called(), 1u);
}

TEST(WaitingRoomTest, WhoWaitedTooLongIsRefusedAtTheHead) {
  Busy busy;
  const Duration w = busy.room.stats().budget;
  ASSERT_TRUE(busy.enter(1));
  busy.now += w;
  ASSERT_TRUE(busy.enter(2));
  busy.now += w / 4;
  const auto called = busy.room.next(busy.now);
  ASSERT_TRUE(called);
  EXPECT_EQ(called->id, 1u);
  EXPECT_EQ(called->refused, Reason::concurrency_limited);
  EXPECT_EQ(busy.called(), 2u);
}

TEST(WaitingRoomTest, TimeAloneHandsOutWhoWaitedTooLong) {
  Busy busy;
  ASSERT_TRUE(busy.enter(1));
  ASSERT_TRUE(busy.enter(2, Priority::critical));
  EXPECT_FALSE(busy.room.expired(busy.now));
  busy.now += 96ms;
  std::set<std::uint64_t> ids;
  while (const auto called = busy.room.expired(busy.now)) {
    EXPECT_EQ(called->refused, Reason::concurrency_limited);
    ids.insert(called->id);
  }
  EXPECT_EQ(ids, (std::set<std::uint64_t>{1, 2}));
}

TEST(WaitingRoomTest, ADeadlineThatPassesInTheMiddleOfTheLineIsHandedOutToo) {
  Busy busy;
  ASSERT_TRUE(busy.enter(1));
  ASSERT_TRUE(busy.room.enter(of(2, Priority::normal, 0, busy.now + 5ms), never, busy.now));
  ASSERT_TRUE(busy.enter(3));
  busy.now += 5ms;
  const auto called = busy.room.expired(busy.now);
  ASSERT_TRUE(called);
  EXPECT_EQ(called->id, 2u);
  EXPECT_EQ(called->refused, Reason::deadline_exceeded);
  EXPECT_FALSE(busy.room.expired(busy.now));
  EXPECT_EQ(busy.called(), 1u);
  EXPECT_EQ(busy.called(), 3u);
}

TEST(WaitingRoomTest, ADeadlineThatHasPassedIsNotLetIn) {
  WaitingRoom room({});
  const auto entered = room.enter(of(1, Priority::critical, 0, start), never, start);
  ASSERT_FALSE(entered);
  EXPECT_EQ(entered.error().reason, Reason::deadline_exceeded);
}

TEST(WaitingRoomTest, WhoLeavesIsNotCalledAndItsPlaceIsSomebodyElses) {
  WaitingRoom room({.most = 2});
  const auto first = room.enter(of(1), never, start), second = room.enter(of(2), never, start);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(room.enter(of(3), never, start)) << "its bound";
  EXPECT_TRUE(room.leave(first->place, start));
  EXPECT_FALSE(room.leave(first->place, start)) << "once";
  const auto third = room.enter(of(3), never, start);
  ASSERT_TRUE(third);
  EXPECT_FALSE(room.leave(first->place, start)) << "not the one that has its place now";
  EXPECT_EQ(room.next(start)->id, 2u);
  EXPECT_EQ(room.next(start)->id, 3u);
  EXPECT_EQ(room.stats().left, 1u);
}

TEST(WaitingRoomTest, AServiceThatDoesNotAnswerIsNotWaitedFor) {
  Busy busy;
  const TimePoint reached = busy.now;
  EXPECT_TRUE(busy.room.enter(of(1), reached, busy.now + 10ms));
  const auto refused = busy.room.enter(of(2), reached, busy.now + 200ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::destination_stalled);
  EXPECT_TRUE(busy.room.enter(of(3, Priority::critical), reached, busy.now + 200ms)) << "but for critical ones";
  busy.room.answered(210ms, 0ms, busy.now + 210ms);
  EXPECT_TRUE(busy.room.enter(of(4), reached, busy.now + 211ms));
}

TEST(WaitingRoomTest, AServiceWhereSomethingEndsIsNotStalledWhateverItsTimeTells) {
  Busy busy;
  const TimePoint reached = busy.now;
  const Duration worth = busy.room.stats().budget;
  EXPECT_FALSE(busy.room.stalled(reached, busy.now + 10ms));
  EXPECT_TRUE(busy.room.stalled(reached, busy.now + 10s));
  busy.room.moved(busy.now + 10s);
  EXPECT_FALSE(busy.room.stalled(reached, busy.now + 10s + 10ms));
  EXPECT_TRUE(busy.room.enter(of(1), reached, busy.now + 10s + 10ms));
  EXPECT_EQ(busy.room.stats().budget, worth)
      << "a request that nobody waited for says nothing of what is worth waiting";
}

TEST(WaitingRoomTest, AServiceThatHadNothingToAnswerIsNotStalled) {
  Busy busy;
  busy.now += 60s;
  EXPECT_TRUE(busy.room.enter(of(1), busy.now, busy.now));
  WaitingRoom fresh({});
  EXPECT_TRUE(fresh.enter(of(1), start, start + 10ms)) << "nor one that was never asked before";
}

TEST(WaitingRoomTest, AClockThatStandsStillKeepsItBounded) {
  WaitingRoom room({.most = 100});
  int in = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    in += room.enter(of(i, Priority::normal, static_cast<std::uint32_t>(i)), start, start).has_value();
    ASSERT_LE(room.waiting(), 100u);
    if (i % 3 == 0) static_cast<void>(room.next(start));
    room.answered(0ns, 0ns, start);
  }
  EXPECT_GT(in, 3000);
  EXPECT_LE(room.stats().budget, 400ms);
}

/// Whatever happens, everybody who entered leaves in exactly one way, and the counts agree.
TEST(WaitingRoomTest, EverybodyWhoEntersLeavesOnce) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    WaitingRoom room({.most = 40, .shares = 5});
    std::map<std::uint64_t, WaitingRoom::Handle> inside;
    const auto gone = [&](std::uint64_t id) { ASSERT_EQ(inside.erase(id), 1u) << "seed " << seed; };
    TimePoint now = start;
    for (std::uint64_t i = 0; i < 5000; ++i) {
      now += Duration(static_cast<Duration::rep>(rng.below(3'000'000)));
      const auto kind = rng.below(10);
      if (kind < 6) {
        const auto priority = static_cast<Priority>(rng.below(5));
        const TimePoint deadline =
            rng.below(3) == 0 ? now + Duration(static_cast<Duration::rep>(rng.below(90'000'000))) : never;
        const auto entered = room.enter({i, priority, static_cast<std::uint32_t>(rng.below(7)),
                                         static_cast<std::uint32_t>(rng.below(3)), deadline, rng.below(3) == 0},
                                        rng.below(2) == 0 ? never : now, now);
        if (entered) inside[i] = entered->place;
        if (entered && entered->pushed_out) gone(*entered->pushed_out);
      } else if (kind < 8) {
        if (const auto called = room.next(now)) gone(called->id);
        room.answered(Duration(static_cast<Duration::rep>(rng.below(50'000'000))), 0ns, now);
      } else if (kind == 8) {
        while (const auto called = room.expired(now)) gone(called->id);
      } else if (!inside.empty()) {
        const auto one = inside.begin();
        ASSERT_TRUE(room.leave(one->second, now));
        inside.erase(one);
      }
      ASSERT_EQ(room.waiting(), inside.size()) << "seed " << seed;
    }
    while (const auto called = room.next(now)) gone(called->id);
    EXPECT_TRUE(inside.empty());
    const auto stats = room.stats();
    EXPECT_EQ(stats.entered, stats.started + stats.expired + stats.pushed_out + stats.left);
  }
}

TEST(WaitingRoomTest, RefusesAConfigurationThatIsNone) {
  const auto make = [](const WaitingRoomConfig& c) { const WaitingRoom room(c); };
  expect_refused("most", WaitingRoomConfig{.most = 0}, make);
  expect_refused("most", WaitingRoomConfig{.most = 1'000'001}, make);
  expect_refused("shares", WaitingRoomConfig{.shares = 0}, make);
  for (const Duration wrong : wrong_durations()) {
    expect_refused("longest", WaitingRoomConfig{.longest = wrong}, make);
    expect_refused("critical", WaitingRoomConfig{.critical = wrong}, make);
  }
  EXPECT_LE(WaitingRoom::footprint({}).count(), 100'000u);
}

}  // namespace
}  // namespace weir::flow
