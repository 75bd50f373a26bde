#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "pipeline/rig_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(Outlet, KeepsTheRestAndGoesOnWhenThereIsRoom) {
  Rig rig(fan_out(1, 10));
  rig.add(25);
  rig.turn();
  EXPECT_FALSE(rig.outlet->ready(Class::normal));
  EXPECT_TRUE(rig.outlet->ready(Class::high)) << "another class is not held up by it";
  EXPECT_EQ(rig.outlet->pending(), 15u);
  for (int i = 0; i < 3; ++i) {
    rig.work();
    rig.turn();
  }
  EXPECT_TRUE(rig.outlet->ready(Class::normal));
  EXPECT_EQ(rig.outlet->pending(), 0u);
  rig.work();
  EXPECT_EQ(rig.side(0).held.size(), 25u);
  EXPECT_TRUE(std::ranges::is_sorted(rig.side(0).held)) << "D7";
}

TEST(Outlet, APushBehindAnOpenBatchThatGotStuckGoesNext) {
  Rig rig(fan_out(1, 3));
  rig.add(5);
  BatchBuilder builder({1_KiB, 16});
  builder.add(model::text_of({5, 10, Class::normal, 0, model::nobody}), nullptr);
  BatchInfo info;
  info.received = rig.context.now();
  rig.outlet->push(builder.seal(info), Ticket{});
  EXPECT_FALSE(rig.outlet->ready(Class::normal));
  EXPECT_EQ(rig.outlet->pending(), 3u);
  for (int i = 0; i < 3; ++i) {
    rig.work();
    rig.turn();
  }
  EXPECT_EQ(rig.side(0).held, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
}

TEST(Outlet, GoesOnBehindAPrefixOfWhichNothingIsKept) {
  model::Graph graph = fan_out(1, 2);
  graph.stages.push_back({{0}, 1000});  // keeps no id that 1000 divides
  graph.sinks[0].from = {1};
  Rig rig(graph);
  for (const std::uint64_t id : {0u, 1000u, 2000u, 3000u, 4000u, 5u}) {
    rig.next_id = id;
    rig.add(1);
  }
  rig.turn();
  EXPECT_EQ(rig.outlet->pending(), 0u) << "what fills no inlet wakes nobody";
  EXPECT_EQ(rig.waiting(), 1u);
}

TEST(Route, A6GivesAllBranchesTheSamePrefix) {
  model::Graph graph = fan_out(3, 10);
  graph.sinks[1].queue.bound.events = 4;
  graph.sinks[2].required = false;
  graph.sinks[2].queue.when_full = flow::WhenFull::drop_newest;
  Rig rig(graph);
  Ticked unit;
  rig.add(8, Class::normal, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  EXPECT_EQ(rig.waiting(0), 4u);
  EXPECT_EQ(rig.waiting(1), 4u);
  EXPECT_EQ(rig.waiting(2), 4u) << "an optional sink sees what the required ones took";
  for (int i = 0; i < 3; ++i) {
    rig.work(0);
    rig.work(1);
    rig.turn();
  }
  EXPECT_TRUE(unit.settled) << "an optional sink holds no receipt";
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 16u) << "8 events on 2 required paths";
}

TEST(Route, AnEventReachesASinkOnceHoweverManyStagesLetItThrough) {
  model::Graph graph = fan_out(1, 20);
  graph.stages.push_back({{0}, 2});
  graph.stages.push_back({{0}, 3});
  graph.sinks[0].from = {1, 2};
  Rig rig(graph);
  rig.add(7);
  rig.turn();
  rig.work();
  EXPECT_EQ(rig.side(0).held, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST(Route, AStageSeesWhatAnyOfItsInputsEmits) {
  model::Graph graph = fan_out(1, 20);
  graph.stages.push_back({{0}, 2});
  graph.stages.push_back({{0}, 3});
  graph.stages.push_back({{1, 2}, 1000});
  graph.sinks[0].from = {3};
  Rig rig(graph);
  rig.add(7);
  rig.turn();
  rig.work();
  EXPECT_EQ(rig.side(0).held, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST(Outlet, GivesBackEveryByteOfTheBudget) {
  model::Graph graph = fan_out(2, 100);
  graph.stages.push_back({{0}, 2});
  graph.sinks[1].from = {1};
  Rig rig(graph);
  rig.add(50);
  rig.turn();
  EXPECT_GT(rig.flow->budget().used(), Bytes(50 * 10));
  rig.work(0);
  rig.work(1);
  EXPECT_EQ(rig.flow->budget().used(), Bytes{});
}

}  // namespace
}  // namespace weir::pipeline
