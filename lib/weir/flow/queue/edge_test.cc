#include <gtest/gtest.h>
#include <weir/flow/queue/edge.h>
#include <weir/flow/queue/parcel_for_test.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
const TimePoint start{1h};
constexpr Load all{1'000'000, 1_GiB};

struct EdgeTest : ::testing::Test {
  EdgeConfig config{.bound = {10, 100_B}};
  DroppedItems<Parcel> out;
  TimePoint now = start;

  Edge<Parcel> edge() const { return {config, 7}; }
  Edge<Parcel> edge(WhenFull policy) {
    config.when_full = policy;
    return edge();
  }
  /// Pushes n events of one byte; the number returned.
  std::uint64_t push(Edge<Parcel>& e, std::uint64_t first, std::uint32_t n, Priority priority = Priority::normal,
                     std::uint64_t bytes = 1) {
    return e.push(parcel(first, n, priority, now, bytes), now, out).events.size();
  }
  std::vector<std::uint64_t> pop(Edge<Parcel>& e, Load most = all) {
    Parcel item;
    std::vector<std::uint64_t> ids;
    if (e.pop(most, now, item, out))
      for (const auto& event : item.events) ids.push_back(event.id);
    return ids;
  }
  std::vector<std::uint64_t> dropped_items(Reason reason) {
    std::vector<std::uint64_t> ids;
    for (const auto& c : out)
      if (c.reason == reason)
        for (const auto& event : c.item.events) ids.push_back(event.id);
    return ids;
  }
  using Ids = std::vector<std::uint64_t>;
};

TEST_F(EdgeTest, TakesThePrefixThatFitsAndReturnsTheRest) {
  auto e = edge();
  EXPECT_EQ(e.room_for(parcel(0, 13)), 10u);
  EXPECT_EQ(push(e, 0, 13), 3u);
  EXPECT_EQ(e.pressure(now).waiting, (Load{10, 10_B}));
  EXPECT_EQ(push(e, 20, 1), 1u);
  EXPECT_EQ(pop(e, {4, 1_KiB}), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(e.room_for(parcel(20, 9)), 4u);
  EXPECT_EQ(e.stats().offered.events, 10u) << "what was returned was not offered";
}

TEST_F(EdgeTest, BoundsBytesAsExactlyAsEvents) {
  auto e = edge();
  EXPECT_EQ(push(e, 0, 4, Priority::normal, 30), 1u);
  EXPECT_EQ(e.pressure(now).waiting, (Load{3, 90_B}));
  EXPECT_EQ(push(e, 4, 1, Priority::normal, 10), 0u);
  EXPECT_TRUE(e.full(Priority::normal));
}

TEST_F(EdgeTest, AnEventLargerThanTheByteBoundEntersTheEmptyEdgeAlone) {
  auto e = edge();
  EXPECT_EQ(push(e, 0, 2, Priority::normal, 150), 1u);
  EXPECT_EQ(e.stats().oversized, 1u);
  EXPECT_EQ(e.pressure(now).fill, 1.0) << "never above 1";
  EXPECT_EQ(push(e, 2, 1, Priority::normal, 150), 1u) << "not while something waits";
  EXPECT_EQ(push(e, 3, 1), 1u);
  EXPECT_EQ(pop(e, {100, 10_B}), (Ids{0})) << "popped alone although larger than the appetite";
  EXPECT_EQ(push(e, 2, 1, Priority::normal, 150), 0u);
}

TEST_F(EdgeTest, ABatchLargerThanTheBoundPassesPieceByPiece) {
  auto e = edge();
  Parcel rest = parcel(0, 95);
  Ids seen;
  for (int turns = 0; !rest.events.empty() && turns < 100; ++turns) {
    rest = e.push(std::move(rest), now, out);
    for (const auto id : pop(e)) seen.push_back(id);
  }
  ASSERT_EQ(seen.size(), 95u);
  for (std::uint64_t i = 0; i < 95; ++i) EXPECT_EQ(seen[i], i);
}

TEST_F(EdgeTest, PausesAtTheHighMarkAndResumesAtTheLowOne) {
  auto e = edge();
  push(e, 0, 7);
  EXPECT_FALSE(e.paused());
  push(e, 7, 1);
  EXPECT_TRUE(e.paused());
  pop(e, {5, 1_KiB});
  EXPECT_TRUE(e.paused()) << "3 of 10";
  pop(e, {1, 1_KiB});
  EXPECT_FALSE(e.paused()) << "2 of 10";
  EXPECT_EQ(e.stats().pauses, 1u);
  EXPECT_EQ(e.stats().resumes, 1u);
}

TEST_F(EdgeTest, PausesWhoeverWaitsForMoreRoomThanThereIsAndWakesHimByTheSameResume) {
  auto e = edge();
  push(e, 0, 2, Priority::normal, 10);
  EXPECT_FALSE(e.paused());
  EXPECT_EQ(push(e, 2, 1, Priority::normal, 90), 1u) << "20 of 100 bytes wait; 90 more do not fit";
  EXPECT_TRUE(e.paused());
  pop(e);
  EXPECT_FALSE(e.paused());
}

TEST_F(EdgeTest, TheReservedPartIsForHighAndCriticalOnly) {
  config.reserved_for_high = 0.2;
  auto e = edge();
  EXPECT_EQ(push(e, 0, 10), 2u);
  EXPECT_TRUE(e.full(Priority::normal));
  EXPECT_TRUE(e.paused(Priority::normal));
  EXPECT_TRUE(e.paused(Priority::batch));
  EXPECT_FALSE(e.full(Priority::high));
  EXPECT_FALSE(e.paused(Priority::high)) << "only at the bound itself";
  EXPECT_EQ(push(e, 20, 3, Priority::critical), 1u);
  EXPECT_TRUE(e.paused(Priority::high));
  pop(e, {1, 1_KiB});
  EXPECT_FALSE(e.paused(Priority::high));
  EXPECT_TRUE(e.paused(Priority::normal)) << "9 of 10: still the reserved part";
}

TEST_F(EdgeTest, HasSpareRoomOnlyWhileItIsNotPausedAndOnlyWithoutADroppedItem) {
  config.reserved_for_high = 0.2;
  auto e = edge(WhenFull::drop_oldest);
  EXPECT_EQ(e.spare_room(Priority::normal), (Load{8, 80_B}));
  EXPECT_EQ(e.spare_room(Priority::high), (Load{10, 100_B}));
  push(e, 0, 7);
  EXPECT_EQ(e.spare_room(Priority::normal).events, 1u) << "though push would take any number";
  push(e, 7, 1);
  EXPECT_EQ(e.spare_room(Priority::high), Load{}) << "at the pause mark";
  pop(e, {5, 1_KiB});
  EXPECT_EQ(e.spare_room(Priority::high), Load{}) << "until the resume mark";
  pop(e);
  pop(e);
  EXPECT_EQ(e.spare_room(Priority::normal).events, 8u);
}

TEST_F(EdgeTest, WithoutAReservedPartEveryPriorityPausesByTheWatermarks) {
  auto e = edge();
  push(e, 0, 8);
  EXPECT_TRUE(e.paused(Priority::critical));
  EXPECT_FALSE(e.full(Priority::critical));
}

TEST_F(EdgeTest, DropNewestEndsWhatDoesNotFitOfTheArrival) {
  auto e = edge(WhenFull::drop_newest);
  EXPECT_EQ(e.room_for(parcel(0, 13)), 13u);
  EXPECT_EQ(push(e, 0, 13), 0u);
  EXPECT_EQ(dropped_items(Reason::drop_newest), (Ids{10, 11, 12}));
}

TEST_F(EdgeTest, DropOldestEndsWholeBatchesThatWaitedLongestUntilTheArrivalFits) {
  auto e = edge(WhenFull::drop_oldest);
  push(e, 0, 4);
  now += 1s;
  push(e, 10, 4, Priority::low);
  now += 1s;
  EXPECT_EQ(push(e, 20, 3), 0u);
  EXPECT_EQ(dropped_items(Reason::drop_oldest), (Ids{0, 1, 2, 3}))
      << "the oldest, though its priority is not the lowest";
  EXPECT_EQ(push(e, 30, 12), 0u);
  EXPECT_EQ(dropped_items(Reason::drop_oldest), (Ids{0, 1, 2, 3, 40, 41, 10, 11, 12, 13, 20, 21, 22}))
      << "an arrival larger than the bound keeps what an empty edge takes";
  EXPECT_EQ(e.pressure(now).waiting.events, 10u);
}

TEST_F(EdgeTest, DropOldestNeverShedsCriticalForOtherWork) {
  auto e = edge(WhenFull::drop_oldest);
  push(e, 0, 6, Priority::critical);
  now += 1s;
  push(e, 10, 2, Priority::normal);
  push(e, 20, 6, Priority::high);
  EXPECT_EQ(dropped_items(Reason::drop_oldest), (Ids{24, 25, 10, 11}));
  out.clear();
  push(e, 30, 6, Priority::critical);
  EXPECT_EQ(dropped_items(Reason::drop_oldest), (Ids{0, 1, 2, 3, 4, 5})) << "for critical work it does";
}

TEST_F(EdgeTest, NothingOfTheReservedPartMakesRoomForWhatMayNotEnterIt) {
  config.reserved_for_high = 0.2;
  for (const WhenFull policy : {WhenFull::drop_oldest, WhenFull::drop_random, WhenFull::drop_lowest}) {
    auto e = edge(policy);
    out.clear();
    push(e, 0, 10, Priority::high);
    push(e, 20, 2, Priority::normal);
    EXPECT_EQ(dropped_items(*reason_for(policy)), (Ids{20, 21})) << name(policy);
  }
}

TEST_F(EdgeTest, DropLowestEndsTheLowestPriorityUpToTheArrivalsOwn) {
  auto e = edge(WhenFull::drop_lowest);
  push(e, 0, 3, Priority::normal);
  push(e, 10, 3, Priority::batch);
  push(e, 20, 4, Priority::high);
  push(e, 30, 4, Priority::normal);
  EXPECT_EQ(dropped_items(Reason::drop_lowest), (Ids{10, 11, 12, 0, 1, 2})) << "3 freed by batch, 1 more needed";
  out.clear();
  push(e, 40, 3, Priority::batch);
  EXPECT_EQ(dropped_items(Reason::drop_lowest), (Ids{42}))
      << "the arrival is the lowest: 2 fit, the rest is the casualty";
  out.clear();
  push(e, 50, 10, Priority::critical);
  EXPECT_EQ(dropped_items(Reason::drop_lowest), (Ids{40, 41, 30, 31, 32, 33, 20, 21, 22, 23}));
}

TEST_F(EdgeTest, DropRandomDrawsAmongThoseThatWaitAndTheArrival) {
  int arrival = 0, first = 0, last = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    config.when_full = WhenFull::drop_random;
    Edge<Parcel> e(config, seed);
    out.clear();
    for (std::uint64_t i = 0; i < 10; ++i) push(e, i, 1);
    push(e, 100, 1);
    const auto ended = dropped_items(Reason::drop_random);
    ASSERT_EQ(ended.size(), 1u);
    arrival += ended[0] == 100;
    first += ended[0] == 0;
    last += ended[0] == 9;
  }
  for (const int n : {arrival, first, last}) EXPECT_NEAR(n, 91, 35) << "1 of 11 each";
}

TEST_F(EdgeTest, ServesTheHighestPriorityFirstAndFifoWithin) {
  auto e = edge();
  push(e, 0, 1, Priority::low);
  push(e, 1, 1, Priority::critical);
  push(e, 2, 1, Priority::normal);
  push(e, 3, 1, Priority::critical);
  EXPECT_EQ(pop(e), (Ids{1}));
  EXPECT_EQ(pop(e), (Ids{3}));
  EXPECT_EQ(pop(e), (Ids{2}));
  EXPECT_EQ(pop(e), (Ids{0}));
  EXPECT_EQ(pop(e), (Ids{}));
}

TEST_F(EdgeTest, AgeServesAtMostOneOfTenDequeuesBeforeItsPrioritiesTurn) {
  config.bound = {1000, 1_MiB};
  auto e = edge();
  for (std::uint64_t i = 0; i < 100; ++i) push(e, i, 1, Priority::batch);
  now += 6s;
  std::vector<bool> aged;
  for (std::uint64_t i = 0; i < 200; ++i) {
    push(e, 1000 + i, 1, Priority::high);
    aged.push_back(pop(e).at(0) < 1000);
  }
  EXPECT_EQ(std::count(aged.begin(), aged.end(), true), 20);
  for (std::size_t i = 0; i + 10 <= aged.size(); ++i)
    EXPECT_LE(std::count(aged.begin() + static_cast<long>(i), aged.begin() + static_cast<long>(i) + 10, true), 1);
}

TEST_F(EdgeTest, WorkYoungerThanAgeBoostWaitsForItsTurn) {
  config.bound = {1000, 1_MiB};
  auto e = edge();
  push(e, 0, 1, Priority::batch);
  now += 5s;
  for (std::uint64_t i = 0; i < 50; ++i) {
    e.push(parcel(1000 + i, 1, Priority::high, now), now, out);
    EXPECT_NE(pop(e).at(0), 0u);
  }
}

TEST_F(EdgeTest, ExpireAfterEndsWhatWaitedLongerInEveryLane) {
  config.expire_after = 1s;
  auto e = edge();
  push(e, 0, 2, Priority::low);
  now += 1s;
  push(e, 10, 2, Priority::high);
  now += 1ns;
  EXPECT_EQ(pop(e), (Ids{10, 11}));
  EXPECT_EQ(dropped_items(Reason::expired), (Ids{0, 1}));
  EXPECT_EQ(e.stats().dropped[static_cast<std::size_t>(Reason::expired)], 2u);
}

TEST_F(EdgeTest, CodelEndsABatchWhenDelayStandsAndNeverACriticalOne) {
  for (const Priority priority : {Priority::normal, Priority::critical}) {
    config = {.bound = {10'000, 1_MiB}, .codel = CodelConfig{}};
    auto e = edge();
    out.clear();
    for (std::uint64_t i = 0; i < 1000; ++i) push(e, i, 1, priority);
    for (int ms = 0; ms < 500; ++ms, now += 1ms) pop(e);
    if (priority == Priority::normal)
      EXPECT_GT(out.size(), 5u);
    else
      EXPECT_EQ(out.size(), 0u);
    EXPECT_EQ(dropped_items(Reason::codel).size(), out.size());
  }
}

TEST_F(EdgeTest, MaxWaitSizesTheBoundByTheServiceRate) {
  config.bound = {1000, 1_MiB};
  config.max_wait = 2s;
  Edge<Parcel> e(config, 1, 50);
  EXPECT_EQ(e.bound_events(), 1000u) << "no rate yet";
  e.served(100, 1s);
  EXPECT_EQ(e.bound_events(), 200u);
  push(e, 0, 300);
  EXPECT_EQ(e.pressure(now).waiting.events, 200u);
  for (int i = 0; i < 100; ++i) e.served(1, 1s);
  EXPECT_EQ(e.bound_events(), 50u) << "never below its floor";
  EXPECT_TRUE(e.full(Priority::normal)) << "what waits stays";
  EXPECT_EQ(e.pressure(now).waiting.events, 200u);
  for (int i = 0; i < 100; ++i) e.served(10'000, 1s);
  EXPECT_EQ(e.bound_events(), 1000u) << "never above the bound";
}

TEST_F(EdgeTest, PressureForecastsFromTheMeasuredRates) {
  config.bound = {1000, 1_MiB};
  auto e = edge();
  for (std::uint64_t i = 0; i < 60; ++i) {
    push(e, i * 10, 10);
    now += 100ms;
  }
  e.served(50, 1s);
  const Pressure p = e.pressure(now);
  EXPECT_EQ(p.waiting.events, 600u);
  EXPECT_NEAR(p.growth.value, 100, 10);
  EXPECT_NEAR(seconds(*p.time_to_full), 400 / p.growth.value, 1e-6);
  EXPECT_NEAR(seconds(*p.time_to_low), (600 - 200) / 50.0, 1e-6);
  EXPECT_EQ(p.oldest_age, 6s);
  EXPECT_EQ(p.waiting_by_priority[static_cast<std::size_t>(Priority::normal)], 600u);
}

TEST_F(EdgeTest, ForecastsByBytesWhereBytesAreTheTighterBound) {
  config.bound = {1000, 100_B};
  auto e = edge();
  push(e, 0, 5, Priority::normal, 10);
  e.served(10, 1s);
  EXPECT_NEAR(seconds(*e.pressure(now).time_to_low), 0.3, 1e-6) << "50 of 100 bytes are 5 events; 2 at the low mark";
}

TEST_F(EdgeTest, ReconfigureKeepsWhatWaitsAndIsFullUntilItHasDrained) {
  auto e = edge();
  push(e, 0, 10);
  config.bound.events = 4;
  e.reconfigure(config);
  EXPECT_EQ(e.bound_events(), 4u);
  EXPECT_EQ(e.pressure(now).waiting.events, 10u);
  EXPECT_EQ(push(e, 20, 1), 1u);
  pop(e, {7, 1_KiB});
  EXPECT_EQ(push(e, 20, 2), 1u);
}

TEST_F(EdgeTest, DrainHandsOutEverythingHighestPriorityFirst) {
  auto e = edge();
  push(e, 0, 2, Priority::low);
  push(e, 10, 2, Priority::high);
  Ids seen;
  e.drain([&](Parcel p) {
    for (const auto& event : p.events) seen.push_back(event.id);
  });
  EXPECT_EQ(seen, (Ids{10, 11, 0, 1}));
  EXPECT_EQ(e.stats().drained.events, 4u);
  EXPECT_TRUE(e.stats().pending.empty());
}

TEST(ReasonFor, NamesWhatEachPolicyEndsWith) {
  EXPECT_EQ(reason_for(WhenFull::block), std::nullopt);
  EXPECT_EQ(reason_for(WhenFull::spill), std::nullopt);
  EXPECT_EQ(reason_for(WhenFull::reject), Reason::flow_full);
  for (int i = 0; i < when_full_count; ++i) {
    const auto policy = static_cast<WhenFull>(i);
    if (may_drop(policy)) EXPECT_EQ(name(*reason_for(policy)), name(policy));
  }
}

TEST(ReasonCount, CountsTheWholeTable) { EXPECT_EQ(reason_count, all_reasons().size()); }

}  // namespace
}  // namespace weir::flow
