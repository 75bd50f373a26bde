#include "pipeline/delivery/worker.h"
#include "log/log.h"

#include <gtest/gtest.h>

#include "pipeline/delivery/dead_letter.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using Need = Worker::Need;
using Kind = Behaviour::Kind;

struct WorkerTest : testing::Test {
  WorkerTest() { log::set_level(log::Level::off); }
  static model::Graph graph() {
    model::Graph g = fan_out(1, 100);
    g.sinks[0].backoff_base = 100ms;
    g.sinks[0].backoff_cap = 1s;
    return g;
  }
  static model::Graph with_dead_letters(std::uint64_t room) {
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
  Harness harness(graph());
  harness.behave(0, Kind::again);
  harness.add(3, Priority::normal, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  EXPECT_EQ(harness.sink(0).in_hand, 3u);
  EXPECT_FALSE(unit.settled);
  harness.behave(0, Kind::ok);
  EXPECT_EQ(harness.work(), Need::time) << "backoff";
  harness.clock.advance(100ms);
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(unit.receipt.tally().worst(), Fate::stored);
  EXPECT_EQ(harness.side(0).held, (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST_F(WorkerTest, ANewSinkTakesOverWithTheGroupInHandAndWithoutTheOldOnesBackoff) {
  Harness harness(graph());
  harness.behave(0, Kind::again);
  harness.add(3);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  model::OtherSide other;
  harness.workers[0]->replace(model::scripted_sink(other));
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(other.held, (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_TRUE(harness.side(0).held.empty());
  harness.add(1);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(other.held.size(), 4u);
}

TEST_F(WorkerTest, E2AnOpenBreakerPausesAndFailsNothing) {
  model::Graph g = graph();
  g.sinks[0].failures_to_open = 2;
  g.sinks[0].open = 10s;
  Harness harness(g);
  harness.behave(0, Kind::again);
  harness.add(1, Priority::normal, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  for (int i = 0; i < 2; ++i, harness.clock.advance(200ms)) harness.work();
  EXPECT_EQ(harness.sink(0).destination.stats().breaker, flow::BreakerState::open);
  harness.behave(0, Kind::ok);
  harness.clock.advance(5s);
  EXPECT_EQ(harness.work(), Need::time);
  EXPECT_FALSE(unit.settled);
  harness.clock.advance(5s);
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 1u);
}

TEST_F(WorkerTest, E1SendsNothingBeforeTheTimeTheOtherSideNamed) {
  Harness harness(graph());
  harness.behave(0, Kind::later, 3s);
  harness.add(1);
  harness.turn();
  harness.work();
  harness.behave(0, Kind::ok);
  harness.clock.advance(2999ms);
  EXPECT_EQ(harness.work(), Need::time);
  harness.clock.advance(1ms);
  EXPECT_EQ(harness.work(), Need::arrivals);
}

TEST_F(WorkerTest, B5WaitsWhenTheDeadLettersHaveNoRoom) {
  Harness harness(with_dead_letters(2));
  harness.behave(0, Kind::fails);
  harness.add(5, Priority::high, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  EXPECT_EQ(harness.work(), Need::dead_letter_room);
  EXPECT_EQ(harness.waiting(1), 2u);
  EXPECT_EQ(harness.sink(0).in_hand, 3u) << "what was written has left its hand";
  EXPECT_EQ(harness.work(1), Need::arrivals);
  EXPECT_EQ(harness.work(), Need::dead_letter_room);
  EXPECT_EQ(harness.work(1), Need::arrivals);
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_FALSE(unit.settled) << "the last dead letter is not confirmed";
  harness.work(1);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(unit.receipt.tally().of(Fate::dead_lettered), 5u);
  EXPECT_EQ(harness.side(1).held, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
}

TEST_F(WorkerTest, DeadLettersHaveIdsOfTheirOwnAndThePriorityOfTheirEvent) {
  Harness harness(with_dead_letters(100));
  harness.behave(0, Kind::fails);
  harness.add(2, Priority::critical);
  harness.add(2, Priority::batch);
  harness.turn();
  harness.work();
  std::vector<Batch> group;
  harness.sink(1).queue.try_take({100, 1_MiB}, harness.context.now(), group);
  std::set<std::uint64_t> ids;
  ASSERT_EQ(group.size(), 2u);
  EXPECT_EQ(group[0].priority(), Priority::critical);
  EXPECT_EQ(group[1].priority(), Priority::batch);
  for (Batch& batch : group) {
    for (std::uint32_t i = 0; i < batch.size(); ++i) ids.insert(batch.id(i));
    batch.settle(Fate::stored);
  }
  EXPECT_EQ(ids.size(), 4u) << "a sink that knows events by their ids would lose those that share one";
}

TEST_F(WorkerTest, WithoutDeadLettersTheRefusedFailAndTheOthersAreStored) {
  Harness harness(graph());
  harness.behave(0, Kind::refuses_some);
  harness.add(5, Priority::normal, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  harness.work();
  EXPECT_EQ(unit.receipt.tally().of(Fate::failed), 3u);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 2u);
  EXPECT_EQ(unit.receipt.tally().worst(), Fate::failed);
}

TEST_F(WorkerTest, H1AbandonsEachEventOnceWhetherItWaitsForDeadLettersOrNot) {
  Harness harness(with_dead_letters(2));
  harness.behave(0, Kind::fails);
  harness.add(5);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::dead_letter_room);
  harness.workers[0]->abandon();
  EXPECT_EQ(harness.step(), Need::finished);
  EXPECT_EQ(harness.workers[0]->left().events, 3u);
  EXPECT_EQ(harness.workers[0]->left().unanswered, 3u);
  EXPECT_EQ(harness.consumed(0, Fate::abandoned), 3u);
  EXPECT_EQ(harness.consumed(0, Fate::dead_lettered), 2u);
  EXPECT_EQ(harness.sink(0).in_hand, 0u);
}

TEST_F(WorkerTest, LingersForAFullerGroup) {
  model::Graph g = graph();
  g.sinks[0].linger = 50ms;
  g.sinks[0].most = {4, 1_MiB};
  Harness harness(g);
  harness.add(1);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  harness.add(4);
  harness.turn();
  EXPECT_EQ(harness.step(), Need::nothing) << "more than a group waits: no reason to linger";
}

TEST_F(WorkerTest, DoesNotLingerOnceItsSinkQueueIsClosed) {
  model::Graph g = graph();
  g.sinks[0].linger = 500ms;
  Harness harness(g);
  harness.add(1);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  harness.sink(0).queue.close();
  EXPECT_EQ(harness.work(), Need::finished);
  EXPECT_EQ(harness.side(0).held.size(), 1u);
}

TEST_F(WorkerTest, AClosedSinkQueueWakesWhoLingers) {
  model::Graph g = graph();
  Harness harness(g);
  std::uint64_t seen = 0;
  harness.sink(0).queue.close();
  const Context real;
  const auto before = real.now();
  harness.sink(0).queue.wait_interruptible(60s, seen);
  EXPECT_LT(real.now() - before, 30s);
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
  explicit ToldWorkerTest() : harness(graph()) {}
  Told& answers(std::vector<Delivery> deliveries) {
    auto sink = std::make_unique<Told>(std::move(deliveries));
    Told& told = *sink;
    harness.workers[0] = std::make_unique<Worker>(harness.sink(0), std::move(sink), harness.context);
    return told;
  }
  Harness harness;
};

TEST_F(ToldWorkerTest, MoreIsTheSameGroupAgainAndNoRetry) {
  const Delivery more{.outcome = Delivery::Outcome::more};
  Told& told = answers({more, more, {}});
  harness.add(3, Priority::normal, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  EXPECT_EQ(harness.work(), Need::arrivals);
  EXPECT_EQ(told.sizes.size(), 3u);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(harness.sink(0).destination.stats().retries, 0u);
}

TEST_F(ToldWorkerTest, ARestHoldsEveryWorkerBackAndLeavesTheDoorOpen) {
  answers({{.rest = 50ms}, {}});
  harness.add(1);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::arrivals);
  harness.add(1);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time) << "the next call waits";
  EXPECT_EQ(harness.sink(0).blocked_for(harness.context.now()), 0s) << "a latency is no reason to refuse clients";
  Worker second(harness.sink(0), std::make_unique<Told>(std::vector<Delivery>(1)), harness.context);
  harness.add(1);
  harness.turn();
  EXPECT_EQ(second.step().need, Need::nothing);
  EXPECT_EQ(second.step().need, Need::time) << "and so does that of another worker";
  harness.clock.advance(50ms);
  EXPECT_EQ(second.step().need, Need::nothing);
  EXPECT_EQ(harness.work(), Need::arrivals);
}

TEST_F(ToldWorkerTest, ALongRestIsToldAtTheDoor) {
  answers({{.rest = 30s}});
  harness.add(1);
  harness.turn();
  harness.work();
  harness.add(1);
  harness.turn();
  EXPECT_EQ(harness.work(), Need::time);
  EXPECT_EQ(harness.sink(0).blocked_for(harness.context.now()), 30s);
  EXPECT_EQ(harness.sink(0).blocked_by(), Reason::destination_hold);
}

TEST_F(WorkerTest, NamesTheBreakerOnlyWhenItIsOpen) {
  model::Graph g = graph();
  g.sinks[0].failures_to_open = 2;
  g.sinks[0].open = 10s;
  Harness harness(g);
  harness.behave(0, Kind::again);
  harness.add(1);
  harness.turn();
  harness.work();
  EXPECT_EQ(harness.sink(0).blocked_by(), Reason::destination_failing) << "one failure is no open breaker";
  harness.clock.advance(2s);
  harness.work();
  EXPECT_EQ(harness.sink(0).blocked_by(), Reason::breaker_open);
  EXPECT_EQ(harness.sink(0).blocked_for(harness.context.now()), 10s);
}

TEST_F(WorkerTest, ALetterTellsWhereItsEventWasReadAndHasNoPlaceItself) {
  Harness harness(with_dead_letters(10));
  harness.behave(0, Kind::fails);
  harness.add_from("orders/3");
  harness.turn();
  harness.work();
  std::vector<Batch> letters;
  harness.sink(1).queue.try_take({10, 1_MiB}, harness.context.now(), letters);
  harness.expect_letters_from(letters, "orders/3");
  for (Batch& batch : letters) batch.settle(Fate::dead_lettered);
}

TEST(DeadLetter, IsJsonWhateverTheEventWas) {
  const auto text = dead_letter_json(
      {"{\"a\":\"b\"}", Reason::sink_rejected, "no \"b\"", "out", 3, WallTime(5ms), EventPosition{"orders/2", 41}});
  EXPECT_EQ(
      text,
      R"({"reason":"sink_rejected","why":"no \"b\"","origin":"out","place":"orders/2","position":41,"attempts":3,"at_ms":5,"event":"{\"a\":\"b\"}"})");
  const auto bytes = dead_letter_json({"\xff\x01", Reason::malformed, "", "in", 1, WallTime{}});
  EXPECT_NE(bytes.find(R"("event_hex":"ff01")"), std::string::npos);
}

}  // namespace
}  // namespace weir::pipeline
