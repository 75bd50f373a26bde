// A flow on a virtual clock, against the theory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/flow/theory/md1.h>
#include <weir/flow/theory/mm1.h>
#include <weir/flow/theory/mmc.h>
#include <weir/flow/theory/sizing.h>

#include <cmath>
#include <tuple>

#include "config/load.h"
#include "config/testing.h"
#include "rehearsal/simulation.h"

namespace weir::app {
namespace {

using namespace std::chrono_literals;
using config::Scenario;
using pipeline::Simulated;

/// A source `in` before a sink `out` of one event a delivery.
Result<Simulated> simulated(const std::string& sink, const Scenario& scenario, const std::string& more = "") {
  Catalog catalog;
  add_all_connectors(catalog);
  const std::string yaml =
      "sources:\n  in: { type: http, listen: '127.0.0.1:1', when_full: block }\nsinks:\n  out: { type: blackhole, "
      "from: [in], batch: { max_events: 1 }, " +
      sink + " }\n" + more;
  const config::LoadOptions options = config::fake_options({{"weir.yaml", yaml}});
  const auto loaded = config::load({"weir.yaml"}, catalog, options);
  for (const auto& problem : loaded.problems)
    if (!problem.warning) return failure(problem.text());
  return pipeline::simulate(*loaded.config, catalog, scenario);
}

Scenario scenario(double rate, Duration length, std::string_view time,
                  config::ArrivalKind kind = config::ArrivalKind::poisson) {
  return {.length = length,
          .loads = {{.source = "in", .phases = {{.from = Duration{0}, .rate = rate}}, .arrivals = kind}},
          .services = {{.sink = "out", .time = config::ServiceTime::parse(time).value()}}};
}

constexpr auto wide = "queue: { max_events: 100000 }";

// Means of so many events still differ from the theory by 1 to 3 % from seed to seed: what is near in queueing comes
// together. The tolerances are about three times that.

TEST(Simulation, OfOneWorkerIsMm1) {
  for (const auto& [rho, length, tolerance] : {std::tuple(0.5, 600s, 0.05), {0.8, 1000s, 0.09}}) {
    const auto run = simulated(wide, scenario(rho * 100, length, "exponential:10ms"));
    ASSERT_TRUE(run) << run.error().message;
    const auto& source = run->sources.at(0);
    const double expected = seconds(flow::Mm1({rho * 100}, {100}).time_in_system());
    EXPECT_NEAR(source.times.sum() / static_cast<double>(source.times.count()), expected, tolerance * expected) << rho;
    EXPECT_EQ(source.arrived, source.settled);
    EXPECT_NEAR(seconds(run->sinks.at(0).busy) / seconds(length), rho, 0.02);
  }
}

TEST(Simulation, OfOneWorkerWhoseWorkIsAlwaysTheSameIsMd1) {
  const auto run = simulated(wide, scenario(80, 1000s, "fixed:10ms"));
  ASSERT_TRUE(run) << run.error().message;
  const auto& times = run->sources.at(0).times;
  const double expected = seconds(flow::Md1({80}, {100}).time_in_system());
  EXPECT_NEAR(times.sum() / static_cast<double>(times.count()), expected, 0.06 * expected);
}

TEST(Simulation, OfSeveralWorkersIsMmc) {
  const auto run = simulated(std::string(wide) + ", workers: 4", scenario(320, 200s, "exponential:10ms"));
  ASSERT_TRUE(run) << run.error().message;
  const auto& times = run->sources.at(0).times;
  const double expected = seconds(flow::Mmc({320}, {100}, 4).time_in_system());
  EXPECT_NEAR(times.sum() / static_cast<double>(times.count()), expected, 0.06 * expected);
}

TEST(Simulation, ObeysLittlesLawToTheEvent) {
  const auto run = simulated(wide, scenario(90, 100s, "exponential:10ms"));
  ASSERT_TRUE(run) << run.error().message;
  const auto& source = run->sources.at(0);
  EXPECT_EQ(run->unsettled, 0u);
  EXPECT_NEAR(source.inside, source.time_sum, 1e-6 * source.time_sum);
}

TEST(Simulation, OfASeedIsTheSameEveryTime) {
  const auto one = [](std::uint64_t seed) {
    auto s = scenario(90, 20s, "exponential:10ms");
    s.seed = seed;
    return simulated(std::string(wide) + ", workers: 3", s)->sources.at(0).time_sum;
  };
  EXPECT_EQ(one(1), one(1));
  EXPECT_NE(one(1), one(2));
}

TEST(Simulation, AnOverloadIsLateByWhatTheoryAndItsQueueSay) {
  // 150/s into 100/s for 60 s: 30 s late at the end when nothing is given up.
  constexpr auto fixed = "fixed:10ms";
  const auto late = simulated(wide, scenario(150, 60s, fixed, config::ArrivalKind::constant));
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_NEAR(seconds(late->sources.at(0).times.max()), seconds(flow::lateness_after({150}, {100}, 60s)), 0.1);
  EXPECT_NEAR(static_cast<double>(late->sinks.at(0).most_waiting), 3000, 5);
  // A bound of 200 ms at 100/s: the oldest are given up, and nobody who is served is later.
  const auto bounded = simulated("queue: { max_events: 20, when_full: drop_oldest, reserved_for_high: 0% }",
                                 scenario(150, 60s, fixed, config::ArrivalKind::constant));
  ASSERT_TRUE(bounded) << bounded.error().message;
  const auto& source = bounded->sources.at(0);
  EXPECT_LE(source.times.max(), Duration{220ms});
  EXPECT_NEAR(static_cast<double>(source.times.count()), 6000, 60);
  EXPECT_EQ(source.arrived, source.settled);
}

TEST(Simulation, AStallHoldsUpWhatItMeetsAndIsRecoveredFrom) {
  auto s = scenario(50, 20s, "fixed:10ms", config::ArrivalKind::constant);
  s.faults = {{.sink = "out", .at = 5s, .lasts = 2s}};
  const auto run = simulated(wide, s);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_NEAR(seconds(run->sources.at(0).times.max()), 2, 0.05);
  EXPECT_NEAR(static_cast<double>(run->sinks.at(0).most_waiting), 100, 3);
  EXPECT_LT(run->lasted, Duration{21s});
}

/// Ten deliveries of 10 ms a second for 10 s, and what is wrong from 2 s to 6 s.
Result<Simulated> with_fault(config::ScenarioFault::Kind kind, double amount) {
  auto s = scenario(10, 10s, "fixed:10ms", config::ArrivalKind::constant);
  s.faults = {{.sink = "out", .at = 2s, .lasts = 4s, .kind = kind, .amount = amount}};
  return simulated(wide, s);
}

TEST(Simulation, FaultsActWhileTheyLastAndNoLonger) {
  using Kind = config::ScenarioFault::Kind;
  EXPECT_NEAR(seconds(with_fault(Kind::slow, 3)->sinks.at(0).busy), 60 * 0.01 + 40 * 0.03, 0.021);
  EXPECT_NEAR(seconds(with_fault(Kind::capacity, 0.5)->sinks.at(0).busy), 60 * 0.01 + 40 * 0.02, 0.011);
  for (const auto& [kind, amount] : {std::pair(Kind::errors, 1.0), {Kind::refuse, 1.0}}) {
    const auto run = with_fault(kind, amount);
    EXPECT_GT(run->sinks.at(0).failed, 0u);
    EXPECT_EQ(run->sinks[0].delivered, 100u);
    EXPECT_GE(run->sources.at(0).times.max(), Duration{3900ms});
    EXPECT_TRUE(run->recovered);
  }
}

TEST(Simulation, ServicesAreAsFastAsTheirKneeAndTheirTimeAnEvent) {
  auto s = scenario(400, 2s, "fixed:10ms", config::ArrivalKind::constant);
  s.services[0].knee = 2;
  const auto kneed = simulated(std::string(wide) + ", workers: 8", s);
  EXPECT_NEAR(seconds(kneed->lasted), 800 / 200.0, 0.1);
  s.services[0].knee = 0;
  EXPECT_NEAR(seconds(simulated(std::string(wide) + ", workers: 8", s)->lasted), 2, 0.1);
  s.services[0].per_event = 0.01;  // and as much again for the event
  EXPECT_NEAR(seconds(simulated(std::string(wide) + ", workers: 4", s)->lasted), 800 / 200.0, 0.1);
}

TEST(Simulation, ALimitOnDeliveriesPassesItsPlacesOnAtOnce) {
  const auto limited = [](double rate, Duration length, config::ArrivalKind kind) {
    return simulated(std::string(wide) + ", workers: 8, guards: { concurrency: 2 }",
                     scenario(rate, length, "fixed:10ms", kind));
  };
  const auto full = limited(400, 2s, config::ArrivalKind::constant);
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_NEAR(seconds(full->lasted), 800 / 200.0, 0.1);
  // Who waits for a place is told of it, and does not find it when it looks again after a second.
  EXPECT_LT(limited(150, 10s, config::ArrivalKind::poisson)->sources.at(0).times.max(), Duration{500ms});
}

TEST(Simulation, ARateOfASinkIsKept) {
  const auto run = simulated(std::string(wide) + ", guards: { rate: 50/s }",
                             scenario(100, 4s, "fixed:1ms", config::ArrivalKind::constant));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_NEAR(seconds(run->lasted), 400 / 50.0, 1.1);  // a burst of up to a second
}

TEST(Simulation, KeepsTheWorstMomentAndItsCause) {
  auto s = scenario(50, 20s, "fixed:10ms", config::ArrivalKind::constant);
  s.faults = {{.sink = "out", .at = 5s, .lasts = 2s}};
  const auto run = simulated(wide, s);
  EXPECT_NEAR(seconds(run->line.worst.at), 7, 0.11);
  EXPECT_NEAR(run->line.worst.inside, 100, 6);
  EXPECT_THAT(run->line.worst.why, ::testing::HasSubstr("sink out"));
  ASSERT_TRUE(run->recovered);
  EXPECT_NEAR(seconds(*run->recovered), 2, 0.2);  // 100 events behind, at twice their rate
  EXPECT_EQ(run->line.slices(), 200u);
}

TEST(Simulation, SaysWhatItDoesNotSimulate) {
  auto s = scenario(1, 1s, "fixed:10ms");
  s.loads[0].source = "nowhere";
  EXPECT_THAT(simulated(wide, s).error().message, ::testing::HasSubstr("no source nowhere"));
}

}  // namespace
}  // namespace weir::app
