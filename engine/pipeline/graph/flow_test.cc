#include "pipeline/graph/flow.h"
#include "log/log.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

/// Gives ten events when it starts, with or without a receipt, and is done.
class TenEvents final : public Source {
 public:
  explicit TenEvents(Receipt* receipt) : receipt_(receipt) {}
  Result<void> open() override { return {}; }
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    struct Ten final : Intake {
      Ten(SourceOutput& o, Receipt* r) : output(o), receipt(r) {}
      void start() override {
        if (receipt) receipt->owe(10);
        for (std::uint64_t id = 0; id < 10; ++id)
          output.add(model::text_of({id, 10, Priority::normal, 0, model::nobody}), Priority::normal, receipt,
                     std::move(*output.reserve(output.cost(10, 1))));
        if (receipt) receipt->done_reading();
        given = true;
      }
      void stop(Duration) override {}
      void abandon() override {}
      bool quiet() const override { return given; }
      SourceOutput& output;
      Receipt* receipt;
      std::atomic<bool> given{false};
    };
    return std::make_unique<Ten>(setup.output, receipt_);
  }

 private:
  Receipt* receipt_;
};

struct FlowTest : testing::Test {
  FlowTest() {
    log::set_level(log::Level::off);
    model::add_scripted(catalog, sides);
    SourceType source;
    source.name = "scripted";
    source.make = [this](const SourceSetup&) { return std::make_unique<TenEvents>(receipt); };
    catalog.add(std::move(source));
  }
  /// Until the deadline, or until sink0 has stored so many.
  StopReport run(Duration deadline, std::uint64_t stored = std::numeric_limits<std::uint64_t>::max()) {
    Flow flow(model::config_of(graph), catalog, context);
    EXPECT_TRUE(flow.start());
    const auto report = flow.stop(deadline, [&] {
      return flow.status().sinks.front().node.consumed[static_cast<std::size_t>(Fate::stored)] >= stored;
    });
    const auto ledger = flow.status().ledger();
    EXPECT_EQ(ledger.in_transit, 0);
    EXPECT_EQ(ledger.worst, 0) << ledger.where;
    EXPECT_EQ(flow.budget().used(), Bytes{});
    return report;
  }
  model::Graph graph = fan_out(1, 100);
  std::map<std::string, model::OtherSide> sides;
  Catalog catalog;
  Context context;
  Ticked unit;
  Receipt* receipt = nullptr;
};

TEST_F(FlowTest, H1EmptyAtTheEndIsExitCode0) {
  receipt = &unit.receipt;
  EXPECT_EQ(run(20s).exit_code(), 0);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 10u);
}

TEST_F(FlowTest, H1UnsettledButStillWithTheSenderIsExitCode3) {
  receipt = &unit.receipt;
  sides["sink0"].behaviour.kind = Behaviour::Kind::again;
  graph.sinks[0].backoff_base = graph.sinks[0].backoff_cap = 10s;
  const auto report = run(20ms);
  EXPECT_EQ(report.abandoned, 10u);
  EXPECT_EQ(report.exit_code(), 3);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(unit.receipt.tally().of(Fate::abandoned), 10u);
}

TEST_F(FlowTest, H1AbandonedAfterBeingAcceptedIsExitCode4) {
  sides["sink0"].behaviour.kind = Behaviour::Kind::again;
  graph.sinks[0].backoff_base = graph.sinks[0].backoff_cap = 10s;
  const auto report = run(20ms);
  EXPECT_EQ(report.lost, 10u);
  EXPECT_EQ(report.exit_code(), 4);
}

struct Copies : FlowTest {
  /// sink0 is required, sink1 optional and dead.
  Copies() {
    graph = fan_out(2, 100);
    receipt = &unit.receipt;
    graph.sinks[1].required = false;
    graph.sinks[1].queue.when_full = flow::WhenFull::drop_oldest;
    for (auto& sink : graph.sinks) sink.backoff_base = sink.backoff_cap = 10s;
    sides["sink1"].behaviour.kind = Behaviour::Kind::again;
  }
};

TEST_F(Copies, OfADeadOptionalSinkAreLostWhenTheirSendersWereToldThatTheyAreStored) {
  const auto report = run(60s, 10);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 10u);
  EXPECT_EQ(report.lost, 10u);
  EXPECT_EQ(report.repeated, 0u);
  EXPECT_EQ(report.exit_code(), 4);
}

TEST_F(Copies, ComeAgainWithEventsThatTheRequiredSinkDidNotGetEither) {
  sides["sink0"].behaviour.kind = Behaviour::Kind::again;
  const auto report = run(20ms);
  EXPECT_EQ(report.abandoned, 20u);
  EXPECT_EQ(report.lost, 0u);
  EXPECT_EQ(report.repeated, 10u) << "an event counts once, on however many paths it was";
  EXPECT_EQ(report.exit_code(), 3);
}

TEST_F(FlowTest, WhatWasRefusedForGoodIsLostUnlessItsSenderIsTold) {
  sides["sink0"].behaviour.kind = Behaviour::Kind::fails;
  const auto accepted = run(20s);
  EXPECT_EQ(accepted.refused, 10u);
  EXPECT_EQ(accepted.refused_lost, 10u);
  EXPECT_EQ(accepted.exit_code(), 4);
  EXPECT_NE(accepted.refused_by.find("sink0"), std::string::npos) << accepted.refused_by;
  receipt = &unit.receipt;
  const auto told = run(20s);
  EXPECT_EQ(unit.receipt.tally().of(Fate::failed), 10u);
  EXPECT_EQ(told.refused, 10u);
  EXPECT_EQ(told.refused_lost, 0u);
  EXPECT_EQ(told.exit_code(), 3);
}

TEST_F(FlowTest, DrainsDeadLettersBeforeItClosesTheirSink) {
  receipt = &unit.receipt;
  sides["sink0"].behaviour.kind = Behaviour::Kind::fails;
  graph.sinks.push_back(graph.sinks[0]);
  graph.sinks[1].from.clear();
  graph.sinks[1].queue.bound.events = 1;
  graph.sinks[0].dead_letters = 1;
  EXPECT_EQ(run(20s).exit_code(), 0);
  EXPECT_EQ(sides["sink1"].held.size(), 10u);
  EXPECT_EQ(unit.receipt.tally().of(Fate::dead_lettered), 10u);
}

TEST_F(FlowTest, SourcesNeverGiveAnIdTwice) {
  graph.sources.resize(2);
  Flow flow(model::config_of(graph), catalog, context);
  const auto first = flow.source("source0").next_ids(1000);
  EXPECT_GE(flow.source("source1").next_ids(1) - first, 1000u);
}

TEST_F(FlowTest, TwoProcessesThatStartAtOneInstantGiveDifferentIds) {
  std::set<std::uint64_t> ids;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Context process(system_clock(), seed);
    Flow flow(model::config_of(graph), catalog, process);
    const auto first = flow.source("source0").next_ids(1000);
    for (std::uint64_t i = 0; i < 1000; ++i) ids.insert(first + i);
  }
  EXPECT_EQ(ids.size(), 100'000u);
}

}  // namespace
}  // namespace weir::pipeline
