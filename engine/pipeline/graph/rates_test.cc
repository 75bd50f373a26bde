// `guards: { rate: }` of a sink, which its workers wait for, and of a source that can only wait. Time is given.
#include <gtest/gtest.h>

#include "log/log.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using Need = Worker::Need;
using Kind = Behaviour::Kind;
using async::RateUnit;

config::Rate rate_of(std::uint64_t limit, std::uint64_t burst, RateUnit per = RateUnit::events) {
  config::Rate rate;
  rate.guard.limit = {.limit = limit, .burst = burst};
  rate.guard.per = per;
  rate.of_calls = per == RateUnit::requests;
  return rate;
}

struct SinkRate : testing::Test {
  SinkRate() { log::set_level(log::Level::off); }
  static model::Graph graph(std::uint64_t bound = 1000, int workers = 1) {
    model::Graph g = fan_out(1, bound);
    g.sinks[0].most = {1000, 1_MiB};
    g.sinks[0].workers = workers;
    g.sinks[0].backoff_base = 100ms;
    g.sinks[0].backoff_cap = 100ms;
    return g;
  }
  static auto with(std::vector<config::Rate> rates) {
    return
        [rates](config::Config& c) { c.sinks[0].guards = {.position = config::GuardPosition::sink, .rates = rates}; };
  }
  /// Works whenever the worker may, for so long in steps of 10 ms; the times at which it held how much.
  static void work_for(Harness& harness, Duration time, std::vector<Worker*> workers) {
    for (Duration passed{0}; passed < time; passed += 10ms, harness.clock.advance(10ms))
      for (Worker* worker : workers)
        for (int i = 0; i < 100 && worker->step().need == Need::nothing; ++i) {
        }
  }
};

TEST_F(SinkRate, NeverPassesMoreThanTheBurstAndTheRateAndWastesNothingOfIt) {
  Harness harness(graph(), with({rate_of(100, 10)}));
  harness.add(500);
  harness.turn();
  for (int i = 0; i < 400; ++i) {
    harness.work();
    const double most = 10 + 100 * i * 0.01;
    EXPECT_LE(static_cast<double>(harness.side(0).held.size()), most + 1e-9) << i;
    EXPECT_GE(static_cast<double>(harness.side(0).held.size()), most - 10 - 1) << i;
    harness.clock.advance(10ms);
  }
}

TEST_F(SinkRate, AllWorkersShareIt) {
  Harness harness(graph(1000, 2), with({rate_of(100, 10)}));
  Worker second(harness.sink(0), model::scripted_sink(harness.side(0)), harness.context);
  harness.add(500);
  harness.turn();
  work_for(harness, 2s, {harness.workers[0].get(), &second});
  EXPECT_LE(harness.side(0).held.size(), 210u);
  EXPECT_GE(harness.side(0).held.size(), 190u);
  second.abandon();
  second.step();
}

TEST_F(SinkRate, ARetryCountsAgain) {
  Harness harness(graph(), with({rate_of(10, 10)}));
  harness.behave(0, Kind::again);
  harness.add(10);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time) << "failed, and backs off";
  harness.behave(0, Kind::ok);
  harness.clock.advance(500ms);
  EXPECT_EQ(harness.work(), Need::time) << "the backoff is over, but ten more cost a second";
  EXPECT_TRUE(harness.side(0).held.empty());
  harness.clock.advance(500ms);
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(harness.side(0).held.size(), 10u);
}

TEST_F(SinkRate, WhatABreakerThenRefusesIsGivenBack) {
  model::Graph g = graph();
  g.sinks[0].failures_to_open = 1;
  g.sinks[0].open = 10s;
  Harness harness(g, with({rate_of(1, 5)}));
  harness.behave(0, Kind::again);
  harness.add(1);
  harness.turn();
  harness.work();
  for (int i = 0; i < 5; ++i, harness.clock.advance(1s)) harness.work();
  const auto status = harness.sink(0).pace.status().at(0);
  EXPECT_GT(status.given_back, 0u);
  EXPECT_EQ(status.permitted - status.given_back, 1u) << "one attempt was made";
}

TEST_F(SinkRate, OfBatchesCountsDeliveries) {
  Harness harness(graph(), with({rate_of(10, 1, RateUnit::requests)}));
  harness.add(50);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::arrivals) << "all of it in one";
  harness.add(50);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  harness.clock.advance(100ms);
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(harness.side(0).held.size(), 100u);
}

TEST_F(SinkRate, AnEventLargerThanTheBurstInBytesGoesAloneAndTheNextWaitsForIt) {
  Harness harness(graph(), with({rate_of(100, 4, RateUnit::bytes)}));
  harness.add(2);  // of 10 bytes
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  EXPECT_EQ(harness.side(0).held.size(), 1u);
  harness.clock.advance(99ms);
  EXPECT_EQ(harness.work(), Need::time);
  harness.clock.advance(1ms);
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(harness.side(0).held.size(), 2u);
}

TEST_F(SinkRate, OfSeveralAllMustAgree) {
  config::Rate slow = rate_of(60, 5);
  slow.guard.limit.window = 60s;
  slow.guard.name = "slow";
  Harness harness(graph(), with({rate_of(100, 10), slow}));
  harness.add(100);
  harness.turn();
  work_for(harness, 10s, {harness.workers[0].get()});
  EXPECT_LE(harness.side(0).held.size(), 15u);
  EXPECT_GE(harness.side(0).held.size(), 10u);
}

TEST_F(SinkRate, ThatOnlyObservesCountsAndHoldsNothingUp) {
  config::Rate rate = rate_of(10, 10);
  rate.observe = true;
  Harness harness(graph(), with({rate}));
  for (int i = 0; i < 5; ++i) {
    harness.add(10);
    harness.turn();
    EXPECT_EQ(harness.work(), Need::arrivals);
  }
  EXPECT_EQ(harness.side(0).held.size(), 50u);
  const auto status = harness.sink(0).pace.status().at(0);
  EXPECT_EQ(status.permitted, 1u);
  EXPECT_EQ(status.refused, 4u);
  EXPECT_EQ(harness.sink(0).glance(harness.context.now()).paced_to, "");
}

TEST_F(SinkRate, IsWhatTheServiceRateSaysSoThatTimesToldAtTheDoorHold) {
  Harness harness(graph(), with({rate_of(100, 10)}));
  harness.add(500);
  harness.turn();
  work_for(harness, 3s, {harness.workers[0].get()});
  const auto pressure = harness.sink(0).queue.pressure(harness.context.now());
  EXPECT_NEAR(pressure.service_rate.value, 100, 5);
}

TEST_F(SinkRate, IsNamedAsTheCauseAndNotTheDestination) {
  Harness harness(graph(), with({rate_of(100, 10)}));
  harness.add(500);
  harness.turn();
  harness.work();
  harness.work();
  const std::string why = describe(harness.sink(0).glance(harness.context.now()));
  EXPECT_NE(why.find("its own rate (guards) lets 100 events/s pass, not the destination"), std::string::npos) << why;
  harness.clock.advance(1s);
  EXPECT_NE(describe(harness.sink(0).glance(harness.context.now())).find("guards"), std::string::npos);
  harness.clock.advance(10s);
  EXPECT_EQ(describe(harness.sink(0).glance(harness.context.now())).find("guards"), std::string::npos);
}

TEST_F(SinkRate, ThatAReloadChangesCountsAtOnceAndBringsNoFreshBurst) {
  Harness harness(graph(), with({rate_of(100, 10)}));
  harness.add(500);
  harness.turn();
  harness.work();
  ASSERT_EQ(harness.side(0).held.size(), 10u);
  config::Guards faster{.position = config::GuardPosition::sink, .rates = {rate_of(1000, 100)}};
  harness.sink(0).pace.reconfigure(faster, harness.context.now());
  harness.work();
  EXPECT_EQ(harness.side(0).held.size(), 10u);
  harness.clock.advance(100ms);
  harness.work();
  EXPECT_EQ(harness.side(0).held.size(), 20u) << "the group in hand was taken at the old rate";
  harness.sink(0).pace.reconfigure({}, harness.context.now());
  harness.work();
  EXPECT_EQ(harness.side(0).held.size(), 500u) << "no rate any more";
}

TEST_F(SinkRate, AStopThatIsOverDoesNotWaitForIt) {
  Harness harness(graph(), with({rate_of(1, 1)}));
  harness.add(100);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  harness.sink(0).close();
  EXPECT_EQ(harness.work(), Need::time) << "what waits is still delivered at the rate";
  harness.workers[0]->abandon();
  EXPECT_EQ(harness.work(), Need::finished);
}

struct SourceRate : testing::Test {
  static model::Graph graph(std::uint64_t bound) {
    model::Graph g = fan_out(1, bound);
    g.sources[0].batch_bytes = 65536;
    return g;
  }
  static auto with(config::Rate rate) {
    return [rate](config::Config& c) {
      c.sources[0].guards = {.position = config::GuardPosition::intake, .rates = {rate}};
    };
  }
};

TEST_F(SourceRate, HoldsWhatASourceReadsAndLetsItGoOnAtTheRate) {
  Harness harness(graph(10'000), with(rate_of(100, 10)));
  harness.add(200);
  harness.turn();
  EXPECT_EQ(harness.waiting() + harness.side(0).held.size(), 10u);
  EXPECT_FALSE(harness.output->ready(Priority::normal)) << "the source is told to wait";
  for (int i = 1; i <= 190; ++i) {
    harness.clock.advance(10ms);
    harness.output->on_room_now();
    const auto through = harness.waiting();
    EXPECT_LE(through, 10u + static_cast<std::uint64_t>(i));
    EXPECT_GE(through + 10, static_cast<std::uint64_t>(i));
  }
  harness.clock.advance(100ms);
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 200u) << "nothing is lost";
  EXPECT_TRUE(harness.output->ready(Priority::normal));
}

TEST_F(SourceRate, AWaitThatHasEndedUnseenDoesNotHideTheNextOne) {
  Harness harness(graph(10'000), with(rate_of(1000, 1)));
  harness.add(3);
  harness.turn();
  ASSERT_EQ(harness.waiting(), 1u);
  // The waits are timers of the reactor: this one of 1 ms ends, and its handler does not run.
  for (const auto ended = std::chrono::steady_clock::now() + 2ms; std::chrono::steady_clock::now() < ended;) {
  }
  harness.clock.advance(1ms);
  harness.output->on_room_now();  // for want of room elsewhere; the turn of the wait that has ended is still to come
  ASSERT_EQ(harness.waiting(), 2u);
  harness.turn();
  ASSERT_EQ(harness.waiting(), 2u) << "no time has passed on its clock: it waits again";
  harness.clock.advance(1ms);
  do {
    harness.io.restart();
  } while (harness.waiting() < 3 && harness.io.run_one_for(1min) > 0);
  EXPECT_EQ(harness.waiting(), 3u);
}

TEST_F(SourceRate, InBytesCountsThoseThatPassAndLetsNoMoreThanTheBurstPassAtOnce) {
  Harness harness(graph(10'000), with(rate_of(1000, 100, RateUnit::bytes)));
  harness.add(1, Priority::normal, nullptr, 90);
  harness.add(40);  // of 10 bytes each
  harness.turn();
  EXPECT_EQ(harness.waiting(), 2u) << "90 and 10 bytes";
  for (std::uint64_t i = 1; i <= 39; ++i) {
    harness.clock.advance(10ms);
    harness.output->on_room_now();
    EXPECT_LE(harness.waiting(), 2 + i);
  }
  harness.clock.advance(100ms);
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 41u) << "and nothing of the rate is wasted";
}

TEST_F(SourceRate, InBytesGivesBackThoseThatFoundNoRoom) {
  Harness harness(graph(1), with(rate_of(1, 100, RateUnit::bytes)));
  harness.add(1, Priority::normal, nullptr, 90);
  harness.add(1);
  harness.turn();
  ASSERT_EQ(harness.waiting(), 1u);
  EXPECT_EQ(harness.work(), Need::arrivals) << "takes the one of 90 bytes";
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 1u) << "10 bytes were left for the other, at 1 byte/s";
}

TEST_F(SourceRate, GivesBackWhatFoundNoRoomBehindIt) {
  Harness harness(graph(4), with(rate_of(10, 10)));
  harness.add(10);
  harness.turn();
  EXPECT_EQ(harness.waiting(), 4u);
  EXPECT_EQ(harness.work(), Need::arrivals) << "takes the four";
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 4u) << "the six were paid for and given back";
}

struct SourceRateOfKeys : SourceRate {
  static config::Rate each(std::uint64_t limit, std::uint64_t burst) {
    config::Rate rate = rate_of(limit, burst);
    rate.guard.name = "each";
    rate.guard.key = {.of = async::ClientKey::Of::field, .field = ".tenant"};
    return rate;
  }
  static void add(Harness& harness, std::string_view event, int n = 1) {
    for (; n > 0; --n)
      harness.output->add(event, Priority::normal, nullptr,
                          std::move(*harness.output->reserve(harness.output->cost(event.size(), 1))));
  }
  static constexpr std::string_view a = R"({"tenant":"a"})", b = R"({"tenant":"b"})", none = R"({"other":1})";
};

TEST_F(SourceRateOfKeys, EachHasTheRateForItself) {
  Harness harness(graph(10'000), with(each(10, 3)));
  add(harness, a, 3);
  add(harness, b, 3);
  add(harness, none, 2);
  add(harness, "no JSON at all");
  harness.turn();
  EXPECT_EQ(harness.waiting(), 9u) << "what has no such field is one key";
  EXPECT_TRUE(harness.output->ready(Priority::normal));
}

TEST_F(SourceRateOfKeys, OneAboveItsRateHoldsUpThoseBehindItAndLosesNothing) {
  Harness harness(graph(10'000), with(each(10, 2)));
  add(harness, a, 3);
  add(harness, R"({"tenant":"\u0061"})");  // the same, escaped
  add(harness, b);
  harness.turn();
  EXPECT_EQ(harness.waiting(), 2u);
  EXPECT_FALSE(harness.output->ready(Priority::normal)) << "the source is told to wait";
  EXPECT_EQ(harness.flow->source("source0").why(),
            "its own rate (guards) lets 10 events/s for each field .tenant pass");
  harness.clock.advance(100ms);
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 3u);
  harness.clock.advance(99ms);
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 3u);
  harness.clock.advance(1ms);
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 5u) << "b has not waited for itself";
}

TEST_F(SourceRateOfKeys, GiveBackWhatFoundNoRoomBehindThem) {
  Harness harness(graph(2), with(each(1, 3)));
  add(harness, a, 3);
  add(harness, b, 3);
  harness.turn();
  ASSERT_EQ(harness.waiting(), 2u);
  for (std::uint64_t taken = 0; taken < 6; taken += 2) {
    EXPECT_EQ(harness.waiting(), 2u) << "each is paid for once";
    EXPECT_EQ(harness.work(), Need::arrivals);
    harness.output->on_room_now();
  }
  EXPECT_EQ(harness.waiting(), 0u);
  EXPECT_TRUE(harness.output->ready(Priority::normal));
}

TEST_F(SourceRateOfKeys, AndOneForAllMustAgree) {
  Harness harness(graph(10'000), [](config::Config& c) {
    c.sources[0].guards = {.position = config::GuardPosition::intake, .rates = {rate_of(1, 4), each(1, 3)}};
  });
  add(harness, a, 3);
  add(harness, b, 3);
  harness.turn();
  EXPECT_EQ(harness.waiting(), 4u);
}

TEST_F(SourceRateOfKeys, ThatOnlyObservesCountsAndHoldsNothingUp) {
  config::Rate rate = each(1, 3);
  rate.observe = true;
  Harness harness(graph(10'000), with(rate));
  add(harness, a, 5);
  harness.turn();
  EXPECT_EQ(harness.waiting(), 5u);
  EXPECT_EQ(harness.flow->source("source0").guards().at(0).refused, 2u);
}

TEST_F(SourceRateOfKeys, ThatAReloadChangesBringNoFreshBurst) {
  Harness harness(graph(10'000), with(each(1, 3)));
  add(harness, a, 5);
  harness.turn();
  ASSERT_EQ(harness.waiting(), 3u);
  harness.flow->source("source0").reconfigure({.position = config::GuardPosition::intake, .rates = {each(2, 3)}});
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 3u);
  harness.clock.advance(500ms);
  harness.output->on_room_now();
  EXPECT_EQ(harness.waiting(), 4u);
}

TEST_F(SourceRate, IsSaidToHoldTheSourceUp) {
  Harness harness(graph(10'000), with(rate_of(100, 10)));
  harness.add(200);
  harness.turn();
  EXPECT_EQ(harness.flow->source("source0").why(), "its own rate (guards) lets 100 events/s pass");
}

}  // namespace
}  // namespace weir::pipeline
