// Which item of a priority leaves first.
#include <gtest/gtest.h>
#include <weir/flow/queue/edge.h>
#include <weir/flow/queue/parcel_for_test.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::uint64_t>;
constexpr Load all{1'000'000, 1_GiB};

struct AdaptiveLifo : ::testing::Test {
  EdgeConfig config{.bound = {10, 1_MiB}, .order = Order::adaptive_lifo};
  DroppedItems<Parcel> out;
  TimePoint now{1h};

  void push(Edge<Parcel>& e, std::uint64_t first, std::uint32_t n, Priority priority = Priority::normal) {
    ASSERT_TRUE(e.push(parcel(first, n, priority, now), now, out).events.empty());
  }
  /// One by one, so that each is an item of its own.
  void fill(Edge<Parcel>& e, std::uint64_t first, std::uint64_t n, Priority priority = Priority::normal) {
    for (std::uint64_t i = 0; i < n; ++i) push(e, first + i, 1, priority);
  }
  Ids pop(Edge<Parcel>& e, Load most = all) {
    Parcel item;
    Ids ids;
    if (e.pop(most, now, item, out))
      for (const auto& event : item.events) ids.push_back(event.id);
    return ids;
  }
};

TEST_F(AdaptiveLifo, ServesTheNewestFromThePauseMarkUntilTheResumeMarkAndTheOldestElse) {
  Edge<Parcel> e(config, 7);
  fill(e, 0, 7);
  EXPECT_EQ(pop(e), Ids{0}) << "not overloaded";
  fill(e, 10, 2);
  EXPECT_EQ(pop(e), Ids{11}) << "8 of 10";
  fill(e, 20, 1);
  Ids served;
  for (int i = 0; i < 6; ++i) served.push_back(pop(e).at(0));
  EXPECT_EQ(served, (Ids{20, 10, 6, 5, 4, 3})) << "between the marks it goes on";
  fill(e, 30, 1);
  EXPECT_EQ(pop(e), Ids{1}) << "at 2 of 10 the overload was over";
  EXPECT_EQ(pop(e), Ids{2});
  EXPECT_EQ(pop(e), Ids{30});
}

TEST_F(AdaptiveLifo, OrderFifoIsNotTouchedByOverload) {
  config.order = Order::fifo;
  Edge<Parcel> e(config, 7);
  fill(e, 0, 10);
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(pop(e), Ids{i});
}

TEST_F(AdaptiveLifo, PriorityStillComesFirst) {
  Edge<Parcel> e(config, 7);
  fill(e, 0, 3, Priority::high);
  fill(e, 10, 6, Priority::normal);
  EXPECT_EQ(pop(e), Ids{2});
  EXPECT_EQ(pop(e), Ids{1});
  EXPECT_EQ(pop(e), Ids{0});
  EXPECT_EQ(pop(e), Ids{15});
}

TEST_F(AdaptiveLifo, WhatIsCutFromTheNewestKeepsItsOwnOrder) {
  Edge<Parcel> e(config, 7);
  push(e, 0, 4);
  push(e, 10, 4);
  EXPECT_EQ(pop(e, {3, 1_KiB}), (Ids{10, 11, 12}));
  EXPECT_EQ(pop(e, {3, 1_KiB}), (Ids{13}));
  EXPECT_EQ(pop(e, {3, 1_KiB}), (Ids{0, 1, 2}));
}

TEST_F(AdaptiveLifo, AgeServesTheOldestAtMostOnceInTenDequeues) {
  config.bound.events = 100;
  Edge<Parcel> e(config, 7);
  fill(e, 0, 90);
  now += 6s;
  Ids by_age;
  for (std::uint64_t i = 0; i < 30; ++i) {
    fill(e, 1000 + i, 1);
    if (const auto id = pop(e).at(0); id < 1000) by_age.push_back(id);
  }
  EXPECT_EQ(by_age, (Ids{0, 1, 2}));
}

TEST_F(AdaptiveLifo, AgeServesTheOldestOfALowerPriorityToo) {
  config.bound.events = 100;
  Edge<Parcel> e(config, 7);
  fill(e, 0, 80, Priority::low);
  now += 6s;
  Ids low;
  for (std::uint64_t i = 0; i < 20; ++i) {
    fill(e, 1000 + i, 1, Priority::high);
    if (const auto id = pop(e).at(0); id < 1000) low.push_back(id);
  }
  EXPECT_EQ(low, (Ids{0, 1}));
}

TEST_F(AdaptiveLifo, ExpiryEndsTheOldestAndServesTheNewest) {
  config.expire_after = 1s;
  Edge<Parcel> e(config, 7);
  fill(e, 0, 4);
  now += 1001ms;
  fill(e, 10, 4);
  EXPECT_EQ(pop(e), Ids{13}) << "what expired left 4 of 10, and the overload lasts until 2";
  ASSERT_EQ(out.size(), 4u);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(out[i].item.events.at(0).id, i);
}

TEST_F(AdaptiveLifo, CodelJudgesTheOldestThatWaitsAndShedsIt) {
  config.bound.events = 1000;
  config.pause_at = 0.1;
  config.codel = CodelConfig{};
  Edge<Parcel> e(config, 7);
  fill(e, 0, 400);
  std::uint64_t next = 1000;
  for (int ms = 0; ms < 600; ++ms, now += 1ms) {
    fill(e, next, 1);
    EXPECT_EQ(pop(e), Ids{next}) << "what is served never waited";
    ++next;
  }
  ASSERT_GT(out.size(), 3u) << "the work below it stands";
  for (std::uint64_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].reason, Reason::codel);
    EXPECT_EQ(out[i].item.events.at(0).id, i);
  }
}

TEST_F(AdaptiveLifo, MayBeSwitchedOnWhileWorkWaits) {
  config.order = Order::fifo;
  Edge<Parcel> e(config, 7);
  fill(e, 0, 9);
  EXPECT_EQ(pop(e), Ids{0});
  config.order = Order::adaptive_lifo;
  e.reconfigure(config);
  EXPECT_EQ(pop(e), Ids{8});
}

/// Twice what the server can do for a minute: 200 arrivals and 100 dequeues a second, a bound of 500. The share of what
/// was served within a second.
double served_in_time(Order order, WhenFull when_full) {
  Edge<Parcel> e({.bound = {500, 1_MiB}, .when_full = when_full, .order = order}, 7);
  DroppedItems<Parcel> out;
  const TimePoint start{1h};
  TimePoint now = start;
  int served = 0, in_time = 0;
  for (std::uint64_t id = 0; now < start + 1min; now += 5ms, ++id) {
    (void)e.push(parcel(id, 1, Priority::normal, now), now, out);
    Parcel item;
    if (id % 2 == 0 || !e.pop(all, now, item, out)) continue;
    ++served;
    in_time += now - item.since() <= 1s;
  }
  return static_cast<double>(in_time) / served;
}

TEST(AdaptiveLifoUnderTwiceTheLoad, ServesFreshWorkWhereFifoServesOnlyWhatNobodyWaitsForAnyMore) {
  for (const WhenFull policy : {WhenFull::drop_newest, WhenFull::drop_oldest}) {
    EXPECT_LT(served_in_time(Order::fifo, policy), 0.05) << name(policy);
    EXPECT_GT(served_in_time(Order::adaptive_lifo, policy), 0.85) << name(policy);
  }
}

}  // namespace
}  // namespace weir::flow
