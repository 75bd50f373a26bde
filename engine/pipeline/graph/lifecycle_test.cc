// A flow in each state of its life: what start, stop and the destructor do there, and who may ask meanwhile.
#include "pipeline/graph/lifecycle.h"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(Lifecycle, HasTheTransitionsOfItsPictureAndNoOthers) {
  using enum FlowState;
  const std::set<std::pair<FlowState, FlowState>> legal{{built, opened},   {opened, running}, {running, draining},
                                                        {draining, ended}, {built, ended},    {opened, ended}};
  for (const auto now : {built, opened, running, draining, ended})
    for (const auto next : {built, opened, running, draining, ended})
      EXPECT_EQ(may_follow(now, next), legal.contains({now, next})) << int(now) << " -> " << int(next);
}

TEST(Lifecycle, SaysWhatItWaitsForUntilItIsReadyAndAfter) {
  Lifecycle life;
  EXPECT_EQ(life.why_not_ready(), "starting");
  life.doing("opening journal ingest");
  EXPECT_EQ(life.why_not_ready(), "starting: opening journal ingest");
  life.enter(FlowState::opened);
  EXPECT_EQ(life.why_not_ready(), "starting");
  life.enter(FlowState::running);
  EXPECT_EQ(life.why_not_ready(), "");
  life.enter(FlowState::draining);
  EXPECT_EQ(life.why_not_ready(), "stopping");
  life.enter(FlowState::ended);
  EXPECT_EQ(life.why_not_ready(), "stopped");
}

TEST(LifecycleDeathTest, DiesOfATransitionThatIsNoneRatherThanRunTwice) {
  Lifecycle life;
  EXPECT_DEATH(life.enter(FlowState::draining), "may_follow");
}

/// What the parts of the flow under test do, and what became of them.
struct Script {
  std::set<std::string> fails;  ///< their `open` is an error
  std::string blocks;           ///< its `open` waits for `release`
  std::promise<void> release, reached;
  std::shared_future<void> released{release.get_future()};
  std::atomic<int> intakes{0}, sinks{0};  ///< alive
  std::vector<std::string> opened;

  Result<void> open(const std::string& name) {
    opened.push_back(name);
    if (name == blocks) {
      reached.set_value();
      released.wait();
    }
    if (fails.contains(name)) return failure(name + ": its port is taken");
    return {};
  }
};

/// Has something to do from its making until it has been told to stop, as a listener or a tail of a file has.
class BusyIntake final : public Intake {
 public:
  explicit BusyIntake(Script& script) : script_(script) { ++script_.intakes; }
  ~BusyIntake() override { --script_.intakes; }
  void start() override {}
  void stop(Duration) override { quiet_ = true; }
  void abandon() override { quiet_ = true; }
  bool quiet() const override { return quiet_; }

 private:
  Script& script_;
  std::atomic<bool> quiet_{false};
};

class BusySource final : public Source {
 public:
  BusySource(std::string name, Script& script) : name_(std::move(name)), script_(script) {}
  Result<void> open() override { return script_.open(name_); }
  std::unique_ptr<Intake> intake(const IntakeSetup&) override { return std::make_unique<BusyIntake>(script_); }

 private:
  std::string name_;
  Script& script_;
};

class IdleSink final : public Sink {
 public:
  IdleSink(std::string name, Script& script) : name_(std::move(name)), script_(script) { ++script_.sinks; }
  ~IdleSink() override { --script_.sinks; }
  Result<void> open() override { return script_.open(name_); }
  Delivery deliver(std::span<const Batch>) override { return {}; }

 private:
  std::string name_;
  Script& script_;
};

/// Two sources and two sinks that do as the script says, on real threads.
struct Staged {
  Staged() {
    SourceType source;
    source.name = "scripted";
    source.make = [this](const SourceSetup& setup) { return std::make_unique<BusySource>(setup.name, script); };
    catalog.add(std::move(source));
    SinkType sink;
    sink.name = "scripted";
    sink.make = [this](const SinkSetup& setup) { return std::make_unique<IdleSink>(setup.name, script); };
    catalog.add(std::move(sink));
    auto graph = fan_out(2, 100);
    graph.sources.resize(2);
    for (auto& s : graph.sinks) s.from = {0, 1};
    config = model::config_of(graph);
    config.reactors = 2;
    flow.emplace(config, catalog, context);
  }
  void expect_all_gone() const {
    EXPECT_EQ(script.intakes, 0);
    EXPECT_EQ(script.sinks, 0);
    EXPECT_EQ(flow->state(), FlowState::ended);
  }

  Script script;
  Context context;
  Catalog catalog;
  config::Config config;
  std::optional<Flow> flow;
};

TEST(FlowLifecycle, AStartThatFailsBehindASourceThatIsBusyEndsAndLeavesNothingOpen) {
  for (const std::string part : {"source0", "source1", "sink0", "sink1"}) {
    Staged staged;
    staged.script.fails = {part};
    const auto started = staged.flow->start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message.find(part + ": its port is taken"), std::string::npos) << started.error().message;
    staged.expect_all_gone();
    EXPECT_EQ(staged.flow->stop(1h).exit_code(), 0);  // and nobody waits for what never ran
    EXPECT_TRUE(staged.flow->status().stopping);
  }
}

TEST(FlowLifecycle, AFlowThatNeverStartedStopsAtOnce) {
  Staged staged;
  EXPECT_EQ(staged.flow->why_not_ready(), "starting");
  EXPECT_EQ(staged.flow->stop(1h).exit_code(), 0);
  staged.expect_all_gone();
}

TEST(FlowLifecycle, ARunningFlowIsReadyStopsOnceAndSaysTheSameAgain) {
  Staged staged;
  ASSERT_TRUE(staged.flow->start());
  EXPECT_EQ(staged.flow->why_not_ready(), "");
  EXPECT_FALSE(staged.flow->status().stopping);
  EXPECT_EQ(staged.flow->stop(1h).exit_code(), 0);
  staged.expect_all_gone();
  EXPECT_EQ(staged.flow->stop(1h).exit_code(), 0);
}

TEST(FlowLifecycle, ADestructorEndsARunningFlow) {
  Staged staged;
  ASSERT_TRUE(staged.flow->start());
  staged.flow.reset();
  EXPECT_EQ(staged.script.intakes, 0);
}

TEST(FlowLifecycle, WhileAPartOpensAStatusIsHadAtOnceAndSaysWhichItIs) {
  for (const std::string part : {"sink1", "source1"}) {
    Staged staged;
    staged.script.blocks = part;
    auto start = std::async(std::launch::async, [&] { return staged.flow->start(); });
    staged.script.reached.get_future().wait();
    EXPECT_EQ(staged.flow->why_not_ready(),
              fmt::format("starting: opening {} {}", part.substr(0, part.size() - 1), part));
    const auto status = staged.flow->status();  // a lock that start() held would never come back here
    EXPECT_EQ(status.sources.size(), 2u);
    EXPECT_FALSE(status.stopping);
    staged.script.release.set_value();
    EXPECT_TRUE(start.get());
    EXPECT_EQ(staged.flow->why_not_ready(), "");
  }
}

TEST(FlowLifecycle, AStartThatIsGivenUpOpensNothingMore) {
  Staged staged;
  staged.script.blocks = "sink1";
  auto start = std::async(std::launch::async, [&] { return staged.flow->start(); });
  staged.script.reached.get_future().wait();
  staged.flow->give_up_start();
  staged.script.release.set_value();
  EXPECT_FALSE(start.get());
  EXPECT_EQ(staged.script.opened, (std::vector<std::string>{"sink0", "sink1"}));
  staged.expect_all_gone();
}

}  // namespace
}  // namespace weir::pipeline
