#include "pipeline/delivery/shed_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A sink with room for ten that drops the oldest, and a line for its letters.
model::Graph graph(double share, std::uint64_t room_for_letters = 1000) {
  model::Graph graph = fan_out(1, 10);
  graph.sinks[0].queue.when_full = flow::WhenFull::drop_oldest;
  graph.sinks[0].queue.dead_letter_shed = share;
  graph.sinks[0].dead_letters = 1;
  model::Sink dead;
  dead.queue.bound = {room_for_letters, 1_MiB};
  graph.sinks.push_back(dead);
  return graph;
}

/// Fills the line, then sheds what is in it `times` times over.
void shed(Harness& harness, int times = 1) {
  for (int i = 0; i <= times; ++i) {
    harness.add(10);
    harness.turn();
  }
}

std::vector<std::string> letters(Harness& harness) {
  std::vector<Batch> group;
  harness.sink(1).queue.try_take({1000, 1_MiB}, harness.context.now(), group);
  std::vector<std::string> texts;
  for (Batch& batch : group) {
    for (std::uint32_t i = 0; i < batch.size(); ++i) texts.emplace_back(batch[i]);
    EXPECT_FALSE(batch.carries_receipts());
    EXPECT_TRUE(batch.info().dead_letter);
    batch.settle(Fate::dead_lettered);
  }
  return texts;
}

std::uint64_t because(Harness& harness, Reason reason) {
  return harness.sink(0).counters.by_reason[static_cast<std::size_t>(reason)].load();
}

TEST(ShedLetters, AreCopiesOfWhatIsShedInTheFormOfDeadLetters) {
  Harness harness(graph(1));
  shed(harness);
  const auto texts = letters(harness);
  ASSERT_EQ(texts.size(), 10u);
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(model::id_of(texts[i]), i);
    EXPECT_THAT(texts[i],
                HasSubstr(R"("reason":"drop_oldest","why":"the queue was full and drops what waited longest",)"
                          R"("origin":"sink0","attempts":0,"at_ms":)"));
  }
  EXPECT_EQ(because(harness, Reason::drop_oldest), 10u);
  EXPECT_EQ(harness.sink(0).queue.stats().dropped[static_cast<std::size_t>(Reason::drop_oldest)], 10u);
}

TEST(ShedLetters, TellWhereTheirEventsWereReadAndHaveNoPlaceThemselves) {
  Harness harness(graph(1));
  harness.add_from("orders/3");
  harness.turn();
  harness.add(10);
  harness.turn();
  std::vector<Batch> letters;
  harness.sink(1).queue.try_take({10, 1_MiB}, harness.context.now(), letters);
  harness.expect_letters_from(letters, "orders/3");
  for (Batch& batch : letters) batch.settle(Fate::dead_lettered);
}

TEST(ShedLetters, TellWhenItWasShedNotWhenItWasRead) {
  Harness harness(graph(1));
  harness.add(10);
  harness.turn();
  harness.clock.advance(7s);
  harness.add(10);
  harness.turn();
  const auto at =
      std::chrono::duration_cast<std::chrono::milliseconds>(harness.context.wall().time_since_epoch()).count();
  EXPECT_THAT(letters(harness).at(0), HasSubstr(fmt::format("\"at_ms\":{},", at)));
}

TEST(ShedLetters, AreNotWrittenUnlessAskedFor) {
  Harness harness(graph(0));
  shed(harness);
  EXPECT_THAT(letters(harness), ElementsAre());
}

TEST(ShedLetters, ChangeNothingForTheEventAndItsSender) {
  Harness harness(graph(1));
  Ticked unit;
  harness.add(10, Priority::normal, &unit.receipt);
  unit.receipt.done_reading();
  harness.turn();
  EXPECT_FALSE(unit.settled);
  harness.add(10);
  harness.turn();
  EXPECT_TRUE(unit.settled) << "before anybody has read the letters";
  EXPECT_EQ(unit.receipt.tally().of(Fate::dropped), 10u);
  EXPECT_EQ(harness.sink(1).queue.abandon().unanswered, 0u) << "nobody answers for a letter";
}

TEST(ShedLetters, AreWrittenOfWhatExpiredToo) {
  model::Graph expiring = graph(1);
  expiring.sinks[0].queue.expire_after = 1s;
  Harness harness(expiring);
  harness.add(5);
  harness.turn();
  harness.clock.advance(2s);
  harness.step();
  const auto texts = letters(harness);
  ASSERT_EQ(texts.size(), 5u);
  EXPECT_THAT(texts[0], HasSubstr(R"("reason":"expired")"));
}

TEST(ShedLetters, AreGivenUpAndCountedWhereTheirLineStandsAtItsMark) {
  Harness harness(graph(1, 10));
  shed(harness, 3);
  EXPECT_EQ(harness.waiting(1), 10u) << "the first ten, which made it pause";
  EXPECT_EQ(because(harness, Reason::drop_oldest), 10u);
  EXPECT_EQ(because(harness, Reason::flow_full), 20u);
  letters(harness);
  harness.add(10);
  harness.turn();
  EXPECT_EQ(harness.waiting(1), 10u) << "empty again, it takes letters again";
}

TEST(ShedLetters, EndNothingInTheirLineThoughThatWouldDrop) {
  model::Graph dropping = graph(1, 15);
  dropping.sinks[1].queue.when_full = flow::WhenFull::drop_oldest;
  Harness harness(dropping);
  shed(harness, 3);
  const auto stats = harness.sink(1).queue.stats();
  EXPECT_EQ(stats.pending.events, 15u) << "ten stand below the mark of 12; five more fit";
  EXPECT_EQ(stats.dropped[static_cast<std::size_t>(Reason::drop_oldest)], 0u);
  EXPECT_EQ(because(harness, Reason::flow_full), 15u);
}

TEST(ShedLetters, ThatAreLargerThanTheRoomAreGivenUp) {
  model::Graph narrow = graph(1);
  narrow.sinks[1].queue.bound.bytes = Bytes(100);
  Harness harness(narrow);
  shed(harness);
  EXPECT_EQ(harness.waiting(1), 0u) << "not even into the empty line";
  EXPECT_EQ(because(harness, Reason::flow_full), 10u);
}

TEST(ShedLetters, AreNotWrittenAfterTheirLineHasClosed) {
  Harness harness(graph(1));
  harness.sink(1).queue.close();
  shed(harness);
  EXPECT_EQ(because(harness, Reason::flow_full), 10u);
  EXPECT_EQ(harness.sink(1).queue.stats().offered.events, 0u);
}

TEST(ShedLetters, OfATenthAreATenth) {
  Harness harness(graph(0.1));
  std::size_t kept = 0;
  for (int i = 0; i < 200; ++i) {
    shed(harness, 1);
    kept += letters(harness).size();
  }
  EXPECT_NEAR(static_cast<double>(kept), 399, 60);
  EXPECT_EQ(because(harness, Reason::drop_oldest), kept);
}

TEST(InShare, JudgesAnIdAlwaysTheSame) {
  int in = 0;
  for (std::uint64_t id = 0; id < 10'000; ++id) {
    EXPECT_FALSE(in_share(id, 0));
    EXPECT_TRUE(in_share(id, 1));
    in += in_share(id, 0.1);
    if (in_share(id, 0.1)) EXPECT_TRUE(in_share(id, 0.5)) << "a larger share holds the smaller one";
  }
  EXPECT_NEAR(in, 1000, 100);
}

TEST(ShedLetters, LeaveTheLedgerAtZero) {
  Harness harness(graph(1));
  shed(harness, 5);
  while (harness.waiting(0) + harness.waiting(1) > 0) harness.work(0), harness.work(1);
  const auto ledger = harness.flow->status().ledger();
  EXPECT_EQ(ledger.in_transit, 0);
  EXPECT_EQ(ledger.worst, 0) << ledger.where;
  EXPECT_EQ(harness.side(1).held.size(), 50u);
  EXPECT_EQ(harness.consumed(1, Fate::stored), 50u);
}

}  // namespace
}  // namespace weir::pipeline
