// `guards: { concurrency: }` of a sink: a worker above it waits with what it holds. Time is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/log.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Need = Worker::Need;
using Kind = Behaviour::Kind;

struct SinkConcurrency : testing::Test {
  SinkConcurrency() { log::set_level(log::Level::off); }
  static model::Graph graph() {
    model::Graph g = fan_out(1, 100);
    g.sinks[0].workers = 4;
    return g;
  }
  static auto at_once(std::uint32_t limit, std::vector<config::Rate> rates = {}) {
    config::Guards guards{.position = config::GuardPosition::sink, .rates = std::move(rates)};
    guards.concurrency.emplace();
    guards.concurrency->guard.limit = {.algorithm = flow::AnyLimitConfig::Algorithm::fixed, .range = {.start = limit}};
    return [guards](config::Config& c) { c.sinks[0].guards = guards; };
  }
  static GuardStatus concurrency(Harness& harness) { return harness.sink(0).at_once.status().at(0); }
};

TEST_F(SinkConcurrency, AWorkerAboveItWaitsWithWhatItHoldsAndGivesTheRateItsTokensBack) {
  config::Rate rate;
  rate.guard.limit = {.limit = 100, .burst = 50};
  Harness harness(graph(), at_once(1, {rate}));
  bool other_waits = false;
  auto other = harness.sink(0).at_once.try_start(other_waits, harness.context.now());
  harness.add(10);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  EXPECT_TRUE(harness.side(0).held.empty());
  EXPECT_THAT(harness.flow->status().sinks[0].why, HasSubstr("1 at once by its own limit (guards)"));
  const auto paced = harness.sink(0).pace.status().at(0);
  EXPECT_EQ(paced.permitted, paced.given_back);
  EXPECT_TRUE(harness.sink(0).at_once.end(std::move(*other), flow::CallEnd::answered, false, harness.context.now()))
      << "the one that waits is to be woken";
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(harness.side(0).held.size(), 10u);
  EXPECT_EQ(concurrency(harness).concurrency->in_flight, 0u);
  EXPECT_EQ(concurrency(harness).concurrency->waiting, 0u);
}

TEST_F(SinkConcurrency, WhatABreakerRefusesGivesItsPlaceBack) {
  model::Graph g = graph();
  g.sinks[0].failures_to_open = 1;
  g.sinks[0].open = 10s;
  Harness harness(g, at_once(1));
  harness.behave(0, Kind::again);
  harness.add(1);
  harness.turn();
  for (int i = 0; i < 5; ++i, harness.clock.advance(1s)) harness.work();
  EXPECT_GT(concurrency(harness).permitted, 1u) << "nothing was refused by the breaker: nothing was tried";
  EXPECT_EQ(concurrency(harness).concurrency->in_flight, 0u);
}

TEST_F(SinkConcurrency, AWorkerThatIsAbandonedWhileItWaitsIsNotWaitedFor) {
  Harness harness(graph(), at_once(1));
  bool other_waits = false;
  auto other = harness.sink(0).at_once.try_start(other_waits, harness.context.now());
  harness.add(1);
  harness.turn();
  harness.work();
  EXPECT_EQ(concurrency(harness).concurrency->waiting, 1u);
  harness.workers[0]->abandon();
  harness.work();
  EXPECT_EQ(concurrency(harness).concurrency->waiting, 0u);
  EXPECT_FALSE(harness.sink(0).at_once.end(std::move(*other), flow::CallEnd::answered, false, harness.context.now()));
}

/// All that may deliver wait for an answer, though three of four workers have nothing to wait for.
TEST_F(SinkConcurrency, AStallIsSeenWhenEveryPlaceIsTaken) {
  Harness harness(graph(), at_once(1));
  SinkNode& node = harness.sink(0);
  node.senders_wait(3s);
  node.times.took(harness.context.now());
  node.start_work(harness.context.now());
  EXPECT_EQ(node.stalled_for(harness.context.now()), 0ns);
  harness.clock.advance(10s);
  EXPECT_GE(node.stalled_for(harness.context.now()), 3s);
  node.stop_work(harness.context.now());
}

TEST_F(SinkConcurrency, ThatOnlyObservesCountsAndHoldsNothingUp) {
  const auto observed = [](config::Config& c) {
    at_once(1)(c);
    c.sinks[0].guards.concurrency->observe = true;
  };
  Harness harness(graph(), observed);
  bool other_waits = false;
  auto other = harness.sink(0).at_once.try_start(other_waits, harness.context.now());
  harness.add(5);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(harness.side(0).held.size(), 5u);
  EXPECT_EQ(concurrency(harness).refused, 1u);
  harness.sink(0).at_once.end(std::move(*other), flow::CallEnd::ignored, false, harness.context.now());
}

}  // namespace
}  // namespace weir::pipeline
