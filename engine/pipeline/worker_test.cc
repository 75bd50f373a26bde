#include "pipeline/worker.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "pipeline/rig_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using Need = Worker::Need;
using Kind = Behaviour::Kind;

struct WorkerTest : testing::Test {
  WorkerTest() { spdlog::set_level(spdlog::level::off); }
  static model::Graph graph() {
    model::Graph g = fan_out(1, 100);
    g.sinks[0].backoff_base = 100ms;
    g.sinks[0].backoff_cap = 1s;
    return g;
  }
  static model::Graph with_grave(std::uint64_t room) {
    model::Graph g = graph();
    g.sinks.push_back(g.sinks[0]);
    g.sinks[1].from.clear();
    g.sinks[1].queue.bound = {room, 1_MiB};
    g.sinks[0].dead_letters = 1;
    return g;
  }
  Ticked unit;
};

TEST_F(WorkerTest, StaysWithItsGroupUntilItIsDelivered) {
  Rig rig(graph());
  rig.behave(0, Kind::again);
  rig.add(3, Class::normal, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  EXPECT_EQ(rig.work(), Need::time);
  EXPECT_EQ(rig.sink(0).in_hand, 3u);
  EXPECT_FALSE(unit.settled);
  rig.behave(0, Kind::ok);
  EXPECT_EQ(rig.work(), Need::time) << "backoff";
  rig.clock.advance(100ms);
  EXPECT_EQ(rig.work(), Need::arrivals);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(unit.receipt.tally().worst(), Fate::stored);
  EXPECT_EQ(rig.side(0).held, (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST_F(WorkerTest, E2AnOpenBreakerPausesAndFailsNothing) {
  model::Graph g = graph();
  g.sinks[0].failures_to_open = 2;
  g.sinks[0].open = 10s;
  Rig rig(g);
  rig.behave(0, Kind::again);
  rig.add(1, Class::normal, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  for (int i = 0; i < 2; ++i, rig.clock.advance(200ms)) rig.work();
  EXPECT_EQ(rig.sink(0).destination_stats(rig.context.now()).breaker, flow::BreakerState::open);
  rig.behave(0, Kind::ok);
  rig.clock.advance(5s);
  EXPECT_EQ(rig.work(), Need::time);
  EXPECT_FALSE(unit.settled);
  rig.clock.advance(5s);
  EXPECT_EQ(rig.work(), Need::arrivals);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 1u);
}

TEST_F(WorkerTest, E1SendsNothingBeforeTheTimeTheOtherSideNamed) {
  Rig rig(graph());
  rig.behave(0, Kind::later, 3s);
  rig.add(1);
  rig.turn();
  rig.work();
  rig.behave(0, Kind::ok);
  rig.clock.advance(2999ms);
  EXPECT_EQ(rig.work(), Need::time);
  rig.clock.advance(1ms);
  EXPECT_EQ(rig.work(), Need::arrivals);
}

TEST_F(WorkerTest, B5WaitsWhenTheDeadLettersHaveNoRoom) {
  Rig rig(with_grave(2));
  rig.behave(0, Kind::fails);
  rig.add(5, Class::high, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  EXPECT_EQ(rig.work(), Need::dead_letter_room);
  EXPECT_EQ(rig.waiting(1), 2u);
  EXPECT_EQ(rig.sink(0).in_hand, 3u) << "what was written has left its hand";
  EXPECT_EQ(rig.work(1), Need::arrivals);
  EXPECT_EQ(rig.work(), Need::dead_letter_room);
  EXPECT_EQ(rig.work(1), Need::arrivals);
  EXPECT_EQ(rig.work(), Need::arrivals);
  EXPECT_FALSE(unit.settled) << "the last dead letter is not confirmed";
  rig.work(1);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(unit.receipt.tally().of(Fate::dead_lettered), 5u);
  EXPECT_EQ(rig.side(1).held, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
}

TEST_F(WorkerTest, DeadLettersHaveIdsOfTheirOwnAndTheClassOfTheirEvent) {
  Rig rig(with_grave(100));
  rig.behave(0, Kind::fails);
  rig.add(2, Class::critical);
  rig.add(2, Class::batch);
  rig.turn();
  rig.work();
  std::vector<Batch> group;
  rig.sink(1).inlet.try_take({100, 1_MiB}, rig.context.now(), group);
  std::set<std::uint64_t> ids;
  ASSERT_EQ(group.size(), 2u);
  EXPECT_EQ(group[0].cls(), Class::critical);
  EXPECT_EQ(group[1].cls(), Class::batch);
  for (Batch& batch : group) {
    for (std::uint32_t i = 0; i < batch.size(); ++i) ids.insert(batch.id(i));
    batch.settle(Fate::stored);
  }
  EXPECT_EQ(ids.size(), 4u) << "a sink that knows events by their ids would lose those that share one";
}

TEST_F(WorkerTest, WithoutDeadLettersTheRefusedFailAndTheOthersAreStored) {
  Rig rig(graph());
  rig.behave(0, Kind::refuses_some);
  rig.add(5, Class::normal, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  rig.work();
  EXPECT_EQ(unit.receipt.tally().of(Fate::failed), 3u);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 2u);
  EXPECT_EQ(unit.receipt.tally().worst(), Fate::failed);
}

TEST_F(WorkerTest, H1AbandonsEachEventOnceWhetherItWaitsForDeadLettersOrNot) {
  Rig rig(with_grave(2));
  rig.behave(0, Kind::fails);
  rig.add(5);
  rig.turn();
  EXPECT_EQ(rig.work(), Need::dead_letter_room);
  rig.workers[0]->abandon();
  EXPECT_EQ(rig.step(), Need::finished);
  EXPECT_EQ(rig.workers[0]->left().events, 3u);
  EXPECT_EQ(rig.workers[0]->left().unanswered, 3u);
  EXPECT_EQ(rig.consumed(0, Fate::abandoned), 3u);
  EXPECT_EQ(rig.consumed(0, Fate::dead_lettered), 2u);
  EXPECT_EQ(rig.sink(0).in_hand, 0u);
}

TEST_F(WorkerTest, LingersForAFullerGroup) {
  model::Graph g = graph();
  g.sinks[0].linger = 50ms;
  g.sinks[0].most = {4, 1_MiB};
  Rig rig(g);
  rig.add(1);
  rig.turn();
  EXPECT_EQ(rig.work(), Need::time);
  rig.add(4);
  rig.turn();
  EXPECT_EQ(rig.step(), Need::nothing) << "more than a group waits: no reason to linger";
}

TEST_F(WorkerTest, DoesNotLingerOnceItsInletIsClosed) {
  model::Graph g = graph();
  g.sinks[0].linger = 500ms;
  Rig rig(g);
  rig.add(1);
  rig.turn();
  EXPECT_EQ(rig.work(), Need::time);
  rig.sink(0).inlet.close();
  EXPECT_EQ(rig.work(), Need::finished);
  EXPECT_EQ(rig.side(0).held.size(), 1u);
}

TEST_F(WorkerTest, AClosedInletWakesWhoLingers) {
  model::Graph g = graph();
  Rig rig(g);
  std::uint64_t seen = 0;
  rig.sink(0).inlet.close();
  const Context real;
  const auto before = real.now();
  rig.sink(0).inlet.wait_interruptible(10s, seen);
  EXPECT_LT(real.now() - before, 5s);
}

/// Answers with what it is told, one delivery a call; counts the calls.
struct Told final : Sink {
  explicit Told(std::vector<Delivery> answers) : deliveries(std::move(answers)) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override {
    sizes.push_back(batches.size());
    return deliveries.at(sizes.size() - 1);
  }
  std::vector<Delivery> deliveries;
  std::vector<std::size_t> sizes;
};

struct ToldWorkerTest : WorkerTest {
  explicit ToldWorkerTest() : rig(graph()) {}
  Told& answers(std::vector<Delivery> deliveries) {
    auto sink = std::make_unique<Told>(std::move(deliveries));
    Told& told = *sink;
    rig.workers[0] = std::make_unique<Worker>(rig.sink(0), std::move(sink), rig.context);
    return told;
  }
  Rig rig;
};

TEST_F(ToldWorkerTest, MoreIsTheSameGroupAgainAndNoRetry) {
  const Delivery more{.outcome = Delivery::Outcome::more};
  Told& told = answers({more, more, {}});
  rig.add(3, Class::normal, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  EXPECT_EQ(rig.work(), Need::arrivals);
  EXPECT_EQ(told.sizes.size(), 3u);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(rig.sink(0).destination_stats(rig.context.now()).retries, 0u);
}

TEST_F(ToldWorkerTest, ARestHoldsEveryWorkerBackAndLeavesTheDoorOpen) {
  answers({{.rest = 50ms}, {}});
  rig.add(1);
  rig.turn();
  EXPECT_EQ(rig.work(), Need::arrivals);
  rig.add(1);
  rig.turn();
  EXPECT_EQ(rig.work(), Need::time) << "the next call waits";
  EXPECT_EQ(rig.sink(0).blocked_for(rig.context.now()), 0s) << "a pace is no reason to refuse clients";
  Worker second(rig.sink(0), std::make_unique<Told>(std::vector<Delivery>(1)), rig.context);
  rig.add(1);
  rig.turn();
  EXPECT_EQ(second.step().need, Need::nothing);
  EXPECT_EQ(second.step().need, Need::time) << "and so does that of another worker";
  rig.clock.advance(50ms);
  EXPECT_EQ(second.step().need, Need::nothing);
  EXPECT_EQ(rig.work(), Need::arrivals);
}

TEST_F(ToldWorkerTest, ALongRestIsToldAtTheDoor) {
  answers({{.rest = 30s}});
  rig.add(1);
  rig.turn();
  rig.work();
  rig.add(1);
  rig.turn();
  EXPECT_EQ(rig.work(), Need::time);
  EXPECT_EQ(rig.sink(0).blocked_for(rig.context.now()), 30s);
  EXPECT_EQ(rig.sink(0).blocked_by(), Reason::destination_hold);
}

TEST_F(WorkerTest, NamesTheBreakerOnlyWhenItIsOpen) {
  model::Graph g = graph();
  g.sinks[0].failures_to_open = 2;
  g.sinks[0].open = 10s;
  Rig rig(g);
  rig.behave(0, Kind::again);
  rig.add(1);
  rig.turn();
  rig.work();
  EXPECT_EQ(rig.sink(0).blocked_by(), Reason::destination_hold) << "one failure is no open breaker";
  rig.clock.advance(2s);
  rig.work();
  EXPECT_EQ(rig.sink(0).blocked_by(), Reason::breaker_open);
  EXPECT_EQ(rig.sink(0).blocked_for(rig.context.now()), 10s);
}

TEST_F(WorkerTest, ALetterTellsWhereItsEventWasReadAndHasNoPlaceItself) {
  Rig rig(with_grave(10));
  rig.behave(0, Kind::fails);
  rig.add_from("orders/3");
  rig.turn();
  rig.work();
  std::vector<Batch> letters;
  rig.sink(1).inlet.try_take({10, 1_MiB}, rig.context.now(), letters);
  rig.expect_letters_from(letters, "orders/3");
  for (Batch& batch : letters) batch.settle(Fate::dead_lettered);
}

TEST(DeadLetter, IsJsonWhateverTheEventWas) {
  const auto text = dead_letter_json(
      {"{\"a\":\"b\"}", Reason::sink_rejected, "no \"b\"", "out", 3, WallTime(5ms), EventPlace{"orders/2", 41}});
  EXPECT_EQ(
      text,
      R"({"reason":"sink_rejected","why":"no \"b\"","origin":"out","place":"orders/2","position":41,"attempts":3,"at_ms":5,"event":"{\"a\":\"b\"}"})");
  const auto bytes = dead_letter_json({"\xff\x01", Reason::malformed, "", "in", 1, WallTime{}});
  EXPECT_NE(bytes.find(R"("event_hex":"ff01")"), std::string::npos);
}

}  // namespace
}  // namespace weir::pipeline
