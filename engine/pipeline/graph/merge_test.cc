// Merging stages: many events become one, and what was owed for them is owed by their window.
#include <gtest/gtest.h>

#include "pipeline/entry/merge_intake.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

/// Every third event ends a window; its output says how many there were.
class Triples final : public StagePlan, public Merger {
 public:
  std::unique_ptr<Stage> stage() override { return std::make_unique<Adds>(*this); }
  Merger* merger() override { return this; }
  std::optional<Duration> next(TimePoint) override {
    if (over_ == window_ && in_window_ == 0) return std::nullopt;
    return Duration{0};
  }
  std::optional<Output> take(TimePoint, WallTime, bool finish, std::string& out) override {
    if (over_ == window_ && (!finish || in_window_ == 0)) return std::nullopt;
    const bool early = over_ == window_;
    const std::uint64_t merged = early ? std::exchange(in_window_, 0) : 3;
    if (early) ++window_;
    out = model::text_of({900 + merged, 10, Priority::normal, 0, model::nobody});
    return Output{.window = over_++, .event = true, .last = true, .merged = merged};
  }

 private:
  struct Adds final : Stage {
    explicit Adds(Triples& plan) : plan(plan) {}
    Verdict take(const Event&, std::string&) override {
      const auto window = plan.window_;
      if (++plan.in_window_ == 3) {
        plan.in_window_ = 0;
        ++plan.window_;
      }
      return Verdict::merged(window);
    }
    Triples& plan;
  };
  std::uint64_t window_ = 0, over_ = 0, in_window_ = 0;
};

/// The harness, with one merging stage between its source and its sink.
struct MergeHarness {
  explicit MergeHarness(std::uint64_t bound = 100) {
    StageType type;
    type.name = "triples";
    type.compile = [](const Options&, const Context&) -> Result<std::shared_ptr<StagePlan>> {
      return std::make_shared<Triples>();
    };
    catalog.add(std::move(type));
    model::add_scripted(catalog, sides);
    model::Graph graph = fan_out(1, bound);
    config::Config config = model::config_of(graph);
    config::Stage stage;
    stage.name = "triple";
    stage.type = "triples";
    stage.from = {"source0"};
    config.stages.push_back(std::move(stage));
    config.sinks[0].from = {"triple"};
    flow = std::make_unique<Flow>(config, catalog, context);
    MergeStage& merge = flow->merge_stage("triple");
    node = merge.stage.merge.get();
    output = std::make_unique<ReactorOutput>(flow->source("source0"), io, 4_KiB);
    behind = std::make_unique<ReactorOutput>(merge.origin, io, 4_KiB);
    intake = std::make_unique<MergeIntake>(*node, io, *behind);
    worker = std::make_unique<Worker>(flow->sink("sink0"), model::scripted_sink(sides["sink0"]), context);
  }
  ~MergeHarness() {
    worker->abandon();
    flow->sink("sink0").queue.abandon();
    output->abandon();
    behind->abandon();
    node->abandon();
    worker->step();
  }
  void add(int n, Receipt* receipt) {
    for (; n > 0; --n) {
      if (receipt) receipt->owe(1);
      output->add(model::text_of({id++, 10, Priority::normal, 0, model::nobody}), Priority::normal, receipt,
                  std::move(*output->reserve(output->cost(10, 1))));
    }
    output->flush();
  }
  void deliver() {
    intake->turn();
    for (int i = 0; i < 10; ++i) worker->step();
  }

  using MergeStage = Flow::MergeStage;
  ManualClock clock;
  Context context{clock};
  Catalog catalog;
  std::map<std::string, model::OtherSide> sides;
  boost::asio::io_context io;
  std::unique_ptr<Flow> flow;
  MergeNode* node = nullptr;
  std::unique_ptr<ReactorOutput> output, behind;
  std::unique_ptr<MergeIntake> intake;
  std::unique_ptr<Worker> worker;
  std::uint64_t id = 0;
};

TEST(Merging, SettlesWhatWasMergedWhenTheOutputIsStored) {
  MergeHarness harness;
  Ticked first, second;
  harness.add(2, &first.receipt);
  first.receipt.done_reading();
  harness.add(2, &second.receipt);  // one in the first window, one in the next
  second.receipt.done_reading();
  harness.intake->turn();
  EXPECT_FALSE(first.settled) << "the output waits in its queue: nothing is stored yet";
  harness.deliver();
  EXPECT_TRUE(first.settled);
  EXPECT_EQ(first.receipt.tally().of(Fate::stored), 2u);
  EXPECT_FALSE(second.settled) << "half of it is in a window that is still open";
  EXPECT_EQ(harness.sides["sink0"].held, (std::vector<std::uint64_t>{903}));
  harness.intake->stop(Duration{0});
  harness.deliver();
  EXPECT_TRUE(second.settled) << "stopping ends windows early";
  EXPECT_TRUE(harness.intake->quiet());
  EXPECT_EQ(harness.sides["sink0"].held, (std::vector<std::uint64_t>{903, 901}));
}

TEST(Merging, TellsTheWorstFateOfItsOutputs) {
  MergeHarness harness;
  harness.sides["sink0"].behaviour = {Behaviour::Kind::fails, Duration{0}, 2};
  Ticked ticked;
  harness.add(3, &ticked.receipt);
  ticked.receipt.done_reading();
  harness.deliver();
  ASSERT_TRUE(ticked.settled);
  EXPECT_EQ(ticked.receipt.tally().of(Fate::failed), 3u) << "an aggregate that is lost loses all that is in it";
}

TEST(Merging, AccountsForWhatWasMergedAndWhatCameOfIt) {
  MergeHarness harness;
  harness.add(7, nullptr);
  harness.deliver();
  harness.intake->stop(Duration{0});
  harness.deliver();
  const auto status = harness.flow->status();
  const auto& node = status.stages.at(0).node;
  EXPECT_EQ(node.in, 7u);
  EXPECT_EQ(node.merged, 7u);
  EXPECT_EQ(node.created, 3u);
  EXPECT_EQ(node.emitted, 3u);
  EXPECT_EQ(node.difference(), 0);
  EXPECT_EQ(status.ledger().worst, 0) << status.ledger().where;
}

TEST(Merging, AbandonsWhatIsInOpenWindowsAndSaysHowMuch) {
  MergeHarness harness;
  Ticked ticked;
  harness.add(2, &ticked.receipt);
  ticked.receipt.done_reading();
  const auto left = harness.node->abandon();
  EXPECT_EQ(left.events, 2u);
  EXPECT_EQ(left.unanswered, 0u);
  ASSERT_TRUE(ticked.settled);
  EXPECT_EQ(ticked.receipt.tally().of(Fate::abandoned), 2u);
}

TEST(Merging, TakesNothingMoreOutOfWindowsThatWereAbandoned) {
  MergeHarness harness(1);
  harness.add(8, nullptr);
  harness.intake->turn();  // one output is in the sink's queue, one in front of it, two events are in an open window
  harness.intake->stop(Duration{0});
  EXPECT_FALSE(harness.intake->quiet());
  harness.intake->abandon();
  EXPECT_EQ(harness.behind->abandon().events, 1u);
  EXPECT_EQ(harness.node->abandon().events, 2u);
  EXPECT_TRUE(harness.intake->quiet()) << "a stop would wait for what never comes";
  harness.deliver();  // room again
  EXPECT_EQ(harness.sides["sink0"].held.size(), 1u);
  EXPECT_TRUE(harness.node->empty());
}

TEST(Merging, HoldsItsOutputsBackWhileTheSinkIsFull) {
  MergeHarness harness(1);
  harness.add(9, nullptr);
  harness.intake->turn();
  EXPECT_EQ(harness.flow->sink("sink0").queue.stats().pending.events, 1u);
  for (int i = 0; i < 5; ++i) {
    harness.deliver();
    harness.io.restart();
    harness.io.poll();
  }
  EXPECT_EQ(harness.sides["sink0"].held.size(), 3u);
}

TEST(Merging, AWindowWaitsForEventsThatAreStillOnTheirWayToIt) {
  // A stage is asked about an event before there is room for it: the window may end before the event has gone.
  class NoMerger final : public Merger {
    std::optional<Duration> next(TimePoint) override { return std::nullopt; }
    std::optional<Output> take(TimePoint, WallTime, bool, std::string&) override { return std::nullopt; }
  } merger;
  MergeNode node(merger);
  Ticked early, late;
  early.receipt.owe(1);
  late.receipt.owe(1);
  early.receipt.done_reading();
  late.receipt.done_reading();
  node.owe(5, &early.receipt, 1);
  node.ended(5, 2);
  EXPECT_FALSE(early.settled);
  node.owe(5, &late.receipt, 1);
  EXPECT_TRUE(early.settled);
  EXPECT_TRUE(late.settled);
  EXPECT_TRUE(node.empty());
}

}  // namespace
}  // namespace weir::pipeline
