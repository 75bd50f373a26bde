#include <gtest/gtest.h>

#include "log/log.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(SourceOutput, KeepsTheRestAndGoesOnWhenThereIsRoom) {
  Harness harness(fan_out(1, 10));
  harness.add(25);
  harness.turn();
  EXPECT_FALSE(harness.output->ready(Priority::normal));
  EXPECT_TRUE(harness.output->ready(Priority::high)) << "another priority is not held up by it";
  EXPECT_EQ(harness.output->pending(), 15u);
  for (int i = 0; i < 3; ++i) {
    harness.work();
    harness.turn();
  }
  EXPECT_TRUE(harness.output->ready(Priority::normal));
  EXPECT_EQ(harness.output->pending(), 0u);
  harness.work();
  EXPECT_EQ(harness.side(0).held.size(), 25u);
  EXPECT_TRUE(std::ranges::is_sorted(harness.side(0).held)) << "D7";
}

TEST(SourceOutput, APushBehindAnOpenBatchThatGotStuckGoesNext) {
  Harness harness(fan_out(1, 3));
  harness.add(5);
  BatchBuilder builder({1_KiB, 16});
  builder.add(model::text_of({5, 10, Priority::normal, 0, model::nobody}), nullptr);
  BatchInfo info;
  info.received = harness.context.now();
  harness.output->push(builder.seal(info), Ticket{});
  EXPECT_FALSE(harness.output->ready(Priority::normal));
  EXPECT_EQ(harness.output->pending(), 3u);
  for (int i = 0; i < 3; ++i) {
    harness.work();
    harness.turn();
  }
  EXPECT_EQ(harness.side(0).held, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
}

TEST(SourceOutput, GoesOnBehindAPrefixOfWhichNothingIsKept) {
  model::Graph graph = fan_out(1, 2);
  graph.stages.push_back({{0}, 1000});  // keeps no id that 1000 divides
  graph.sinks[0].from = {1};
  Harness harness(graph);
  for (const std::uint64_t id : {0u, 1000u, 2000u, 3000u, 4000u, 5u}) {
    harness.next_id = id;
    harness.add(1);
  }
  harness.turn();
  EXPECT_EQ(harness.output->pending(), 0u) << "what fills no queue wakes nobody";
  EXPECT_EQ(harness.waiting(), 1u);
}

TEST(Route, A6GivesAllBranchesTheSamePrefix) {
  model::Graph graph = fan_out(3, 10);
  graph.sinks[1].queue.bound.events = 4;
  graph.sinks[2].required = false;
  graph.sinks[2].queue.when_full = flow::WhenFull::drop_newest;
  Harness harness(graph);
  Ticked unit;
  harness.add(8, Priority::normal, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  EXPECT_EQ(harness.waiting(0), 4u);
  EXPECT_EQ(harness.waiting(1), 4u);
  EXPECT_EQ(harness.waiting(2), 4u) << "an optional sink sees what the required ones took";
  for (int i = 0; i < 3; ++i) {
    harness.work(0);
    harness.work(1);
    harness.turn();
  }
  EXPECT_TRUE(unit.settled) << "an optional sink holds no receipt";
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 16u) << "8 events on 2 required paths";
}

TEST(Route, AnEventReachesASinkOnceHoweverManyStagesLetItThrough) {
  model::Graph graph = fan_out(1, 20);
  graph.stages.push_back({{0}, 2});
  graph.stages.push_back({{0}, 3});
  graph.sinks[0].from = {1, 2};
  Harness harness(graph);
  harness.add(7);
  harness.turn();
  harness.work();
  EXPECT_EQ(harness.side(0).held, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST(Route, AStageSeesWhatAnyOfItsInputsEmits) {
  model::Graph graph = fan_out(1, 20);
  graph.stages.push_back({{0}, 2});
  graph.stages.push_back({{0}, 3});
  graph.stages.push_back({{1, 2}, 1000});
  graph.sinks[0].from = {3};
  Harness harness(graph);
  harness.add(7);
  harness.turn();
  harness.work();
  EXPECT_EQ(harness.side(0).held, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST(SourceOutput, GivesBackEveryByteOfTheBudget) {
  model::Graph graph = fan_out(2, 100);
  graph.stages.push_back({{0}, 2});
  graph.sinks[1].from = {1};
  Harness harness(graph);
  harness.add(50);
  harness.turn();
  EXPECT_GT(harness.flow->budget().used(), Bytes(50 * 10));
  harness.work(0);
  harness.work(1);
  EXPECT_EQ(harness.flow->budget().used(), Bytes{});
}

}  // namespace
}  // namespace weir::pipeline
