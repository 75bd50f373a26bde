#include <weir/base/rng.h>
#include <weir/flow/theory/little.h>
#include <weir/flow/theory/md1.h>
#include <weir/flow/theory/mm1.h>
#include <weir/flow/theory/mmc.h>
#include <weir/flow/theory/sizing.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(Little, DeterminesEachOfTheThreeFromTheOthers) {
  EXPECT_DOUBLE_EQ(items_inside({10'000}, 200ms), 2000);
  EXPECT_EQ(time_inside(2000, {10'000}), 200ms);
  EXPECT_DOUBLE_EQ(passing(2000, 200ms).value, 10'000);
}

TEST(Little, NothingPassesWithoutEnd) {
  EXPECT_EQ(time_inside(5, {0}), Duration::max());
  EXPECT_EQ(time_inside(0, {0}), 0s);
  EXPECT_EQ(passing(5, 0s).value, 0);
}

TEST(Mm1, ReproducesTheArticlesTable) {
  for (const auto& [rho, waiting, slowdown] : std::vector<std::tuple<double, double, double>>{
           {0.5, 0.5, 2}, {0.8, 3.2, 5}, {0.9, 8.1, 10}, {0.95, 18.05, 20}, {0.99, 98.01, 100}}) {
    const Mm1 queue({rho * 1000}, {1000});
    EXPECT_NEAR(queue.waiting(), waiting, 1e-9 * waiting);
    EXPECT_NEAR(queue.slowdown(), slowdown, 1e-9 * slowdown);
    EXPECT_NEAR(seconds(queue.time_in_system()), slowdown / 1000, 1e-8);
  }
}

TEST(Mm1, ObeysLittle) {
  const Mm1 queue({90}, {100});
  EXPECT_NEAR(items_inside({90}, queue.time_in_system()), queue.in_system(), 1e-6);
  EXPECT_NEAR(items_inside({90}, queue.time_waiting()), queue.waiting(), 1e-6);
}

TEST(Mm1, KnowsItsQuantiles) {
  const Mm1 queue({50}, {100});  // W = 20 ms
  EXPECT_NEAR(seconds(queue.time_in_system(0.5)), 0.020 * std::log(2), 1e-8);
  EXPECT_NEAR(seconds(queue.time_in_system(0.99)), 0.020 * std::log(100), 1e-8);
  EXPECT_EQ(queue.time_in_system(0), 0s);
}

TEST(Mm1, IsEndlessAtFullUtilisation) {
  for (const double arrivals : {100.0, 200.0}) {
    const Mm1 queue({arrivals}, {100});
    EXPECT_FALSE(queue.stable());
    EXPECT_TRUE(std::isinf(queue.waiting()));
    EXPECT_TRUE(std::isinf(queue.in_system()));
    EXPECT_EQ(queue.time_in_system(), Duration::max());
    EXPECT_EQ(queue.time_in_system(0.5), Duration::max());
  }
  EXPECT_TRUE(std::isinf(Mm1({1}, {0}).utilisation()));
}

TEST(Md1, WaitsHalfAsLongAsMm1) {
  for (const double rho : {0.5, 0.8, 0.9, 0.95}) {
    const Md1 queue({rho * 1000}, {1000});
    const Mm1 random({rho * 1000}, {1000});
    EXPECT_NEAR(queue.waiting(), random.waiting() / 2, 1e-9);
    EXPECT_NEAR(seconds(queue.time_waiting()), seconds(random.time_waiting()) / 2, 2e-9);
    EXPECT_NEAR(items_inside({rho * 1000}, queue.time_in_system()), queue.in_system(), 1e-5);
  }
}

TEST(Md1, IsTheQueueOfASimulatedServerThatAlwaysTakesTheSameTime) {
  Rng rng(1);
  double now = 0, free_at = 0, waited = 0;
  constexpr int items = 400'000;
  for (int i = 0; i < items; ++i) {
    now += -std::log1p(-rng.uniform()) / 80;
    waited += std::max(0.0, free_at - now);
    free_at = std::max(free_at, now) + 0.01;
  }
  EXPECT_NEAR(waited / items, seconds(Md1({80}, {100}).time_waiting()), 0.03 * waited / items);
}

TEST(Md1, IsEndlessAtFullUtilisation) {
  const Md1 queue({100}, {100});
  EXPECT_TRUE(std::isinf(queue.waiting()));
  EXPECT_TRUE(std::isinf(queue.in_system()));
  EXPECT_EQ(queue.time_waiting(), Duration::max());
  EXPECT_EQ(queue.time_in_system(), Duration::max());
}

TEST(Mmc, WithOneServerIsMm1) {
  const Mm1 one({80}, {100});
  const Mmc same({80}, {100}, 1);
  EXPECT_NEAR(same.share_that_waits(), 0.8, 1e-12);
  EXPECT_NEAR(same.waiting(), one.waiting(), 1e-9);
  EXPECT_NEAR(same.in_system(), one.in_system(), 1e-9);
  EXPECT_EQ(same.time_waiting(), one.time_waiting());
}

TEST(Mmc, ReproducesErlangCForTwoServers) {
  const Mmc two({4}, {3}, 2);  // by hand: rho = 2/3, C = 8/15, Wq = C / 2
  EXPECT_NEAR(two.share_that_waits(), 8.0 / 15, 1e-12);
  EXPECT_NEAR(seconds(two.time_waiting()), 8.0 / 30, 1e-8);
  EXPECT_NEAR(seconds(two.time_in_system()), 8.0 / 30 + 1.0 / 3, 1e-8);
}

TEST(Mmc, ReproducesErlangCForTenServersAtEightErlang) {
  EXPECT_NEAR(Mmc({8}, {1}, 10).share_that_waits(), 0.409, 0.001);  // the published tables
}

TEST(Mmc, StaysExactForManyServers) {
  const Mmc many({950}, {1}, 1000);
  EXPECT_GT(many.share_that_waits(), 0.05);
  EXPECT_LT(many.share_that_waits(), 0.08);
}

TEST(Mmc, AgreesWithASimulation) {
  constexpr int servers = 3, customers = 400'000;
  Rng rng(8);
  std::vector<double> free_at(servers, 0.0);
  double now = 0, waited = 0;
  int had_to_wait = 0;
  for (int i = 0; i < customers; ++i) {
    now -= std::log(1 - rng.uniform()) / 2.4;
    auto& server = *std::ranges::min_element(free_at);
    const double begin = std::max(now, server);
    waited += begin - now;
    had_to_wait += begin > now;
    server = begin - std::log(1 - rng.uniform());
  }
  const Mmc theory({2.4}, {1}, servers);
  EXPECT_NEAR(waited / customers, seconds(theory.time_waiting()), 0.05 * seconds(theory.time_waiting()));
  EXPECT_NEAR(1.0 * had_to_wait / customers, theory.share_that_waits(), 0.01);
}

TEST(Mmc, KnowsTheQuantilesOfTheWait) {
  const Mmc two({4}, {3}, 2);
  EXPECT_EQ(two.time_waiting(0.4), 0s) << "7 of 15 do not wait";
  EXPECT_NEAR(seconds(two.time_waiting(0.9)), std::log(8.0 / 15 / 0.1) / 2, 1e-8);
}

TEST(Mmc, IsEndlessAtFullUtilisation) {
  const Mmc full({30}, {10}, 3);
  EXPECT_EQ(full.share_that_waits(), 1);
  EXPECT_TRUE(std::isinf(full.waiting()));
  EXPECT_EQ(full.time_waiting(), Duration::max());
}

TEST(Mmc, FindsTheFewestServersForAWait) {
  for (const double arrivals : {1.0, 50.0, 333.0}) {
    const int c = servers_for({arrivals}, {10}, 5ms, 1000).value();
    EXPECT_LE(Mmc({arrivals}, {10}, c).time_waiting(), 5ms);
    if (c > 1) {
      EXPECT_GT(Mmc({arrivals}, {10}, c - 1).time_waiting(), 5ms);
    }
  }
  EXPECT_EQ(servers_for({100}, {10}, 5ms, 10), std::nullopt);
  EXPECT_EQ(servers_for({100}, {0}, 5ms, 10), std::nullopt);
}

TEST(Sizing, BoundIsLatencyTimesRate) {
  EXPECT_EQ(queue_bound(200ms, {10'000}), 2000u);
  EXPECT_EQ(queue_bound(1ms, {10}), 1u) << "a bound of 0 could never pass anything";
  EXPECT_EQ(queue_bound(Duration::max(), {1e12}), std::numeric_limits<std::uint64_t>::max());
}

TEST(Sizing, ThirtyPercentFullAndFiveMoreASecondIsFullInFourteen) {
  EXPECT_NEAR(seconds(time_until_full(0.3, {0.05})), 14, 1e-6);
  EXPECT_EQ(time_until_full(0.9, {0}), Duration::max()) << "ninety percent and stable is fine";
  EXPECT_EQ(time_until_full(0.9, {-1}), Duration::max());
  EXPECT_EQ(time_until_full(1.0, {0}), 0s);
}

TEST(Sizing, AnUnboundedQueueIsHalfAMinuteLateAfterAMinuteOfOverload) {
  EXPECT_DOUBLE_EQ(backlog_after({15'000}, {10'000}, 60s), 300'000);
  EXPECT_EQ(lateness_after({15'000}, {10'000}, 60s), 30s);
  EXPECT_EQ(lateness_after({9'000}, {10'000}, 60s), 0s);
  EXPECT_EQ(lateness_after({9'000}, {0}, 60s), Duration::max());
}

TEST(Sizing, ABacklogDrainsOnlyWithSpareRate) {
  EXPECT_EQ(time_to_drain(300'000, {5'000}, {10'000}), 60s);
  EXPECT_EQ(time_to_drain(1, {10'000}, {10'000}), Duration::max());
  EXPECT_EQ(time_to_drain(0, {10'000}, {10'000}), 0s);
}

TEST(Sizing, PathNeedsBandwidthTimesDelayUnderWay) { EXPECT_EQ(bytes_under_way({125e6}, 40ms), Bytes(5'000'000)); }

TEST(Sizing, WarnsAboveEightyPercent) {
  EXPECT_FALSE(utilisation_is_high(0.8));
  EXPECT_TRUE(utilisation_is_high(0.81));
}

}  // namespace
}  // namespace weir::flow
