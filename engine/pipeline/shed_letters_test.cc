#include "pipeline/shed_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/rig_for_test.h"

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
void shed(Rig& rig, int times = 1) {
  for (int i = 0; i <= times; ++i) {
    rig.add(10);
    rig.turn();
  }
}

std::vector<std::string> letters(Rig& rig) {
  std::vector<Batch> group;
  rig.sink(1).inlet.try_take({1000, 1_MiB}, rig.context.now(), group);
  std::vector<std::string> texts;
  for (Batch& batch : group) {
    for (std::uint32_t i = 0; i < batch.size(); ++i) texts.emplace_back(batch[i]);
    EXPECT_FALSE(batch.carries_receipts());
    EXPECT_TRUE(batch.info().dead_letter);
    batch.settle(Fate::dead_lettered);
  }
  return texts;
}

std::uint64_t because(Rig& rig, Reason reason) {
  return rig.sink(0).counters.by_reason[static_cast<std::size_t>(reason)].load();
}

TEST(ShedLetters, AreCopiesOfWhatIsShedInTheFormOfDeadLetters) {
  Rig rig(graph(1));
  shed(rig);
  const auto texts = letters(rig);
  ASSERT_EQ(texts.size(), 10u);
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(model::id_of(texts[i]), i);
    EXPECT_THAT(texts[i],
                HasSubstr(R"("reason":"drop_oldest","why":"the queue was full and drops what waited longest",)"
                          R"("origin":"sink0","attempts":0,"at_ms":)"));
  }
  EXPECT_EQ(because(rig, Reason::drop_oldest), 10u);
  EXPECT_EQ(rig.sink(0).inlet.stats().dropped[static_cast<std::size_t>(Reason::drop_oldest)], 10u);
}

TEST(ShedLetters, TellWhereTheirEventsWereReadAndHaveNoPlaceThemselves) {
  Rig rig(graph(1));
  rig.add_from("orders/3");
  rig.turn();
  rig.add(10);
  rig.turn();
  std::vector<Batch> letters;
  rig.sink(1).inlet.try_take({10, 1_MiB}, rig.context.now(), letters);
  rig.expect_letters_from(letters, "orders/3");
  for (Batch& batch : letters) batch.settle(Fate::dead_lettered);
}

TEST(ShedLetters, TellWhenItWasShedNotWhenItWasRead) {
  Rig rig(graph(1));
  rig.add(10);
  rig.turn();
  rig.clock.advance(7s);
  rig.add(10);
  rig.turn();
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(rig.context.wall().time_since_epoch()).count();
  EXPECT_THAT(letters(rig).at(0), HasSubstr(fmt::format("\"at_ms\":{},", at)));
}

TEST(ShedLetters, AreNotWrittenUnlessAskedFor) {
  Rig rig(graph(0));
  shed(rig);
  EXPECT_THAT(letters(rig), ElementsAre());
}

TEST(ShedLetters, ChangeNothingForTheEventAndItsSender) {
  Rig rig(graph(1));
  Ticked unit;
  rig.add(10, Class::normal, &unit.receipt);
  unit.receipt.done_reading();
  rig.turn();
  EXPECT_FALSE(unit.settled);
  rig.add(10);
  rig.turn();
  EXPECT_TRUE(unit.settled) << "before anybody has read the letters";
  EXPECT_EQ(unit.receipt.tally().of(Fate::dropped), 10u);
  EXPECT_EQ(rig.sink(1).inlet.abandon().unanswered, 0u) << "nobody answers for a letter";
}

TEST(ShedLetters, AreWrittenOfWhatExpiredToo) {
  model::Graph expiring = graph(1);
  expiring.sinks[0].queue.expire_after = 1s;
  Rig rig(expiring);
  rig.add(5);
  rig.turn();
  rig.clock.advance(2s);
  rig.step();
  const auto texts = letters(rig);
  ASSERT_EQ(texts.size(), 5u);
  EXPECT_THAT(texts[0], HasSubstr(R"("reason":"expired")"));
}

TEST(ShedLetters, AreGivenUpAndCountedWhereTheirLineStandsAtItsMark) {
  Rig rig(graph(1, 10));
  shed(rig, 3);
  EXPECT_EQ(rig.waiting(1), 10u) << "the first ten, which made it pause";
  EXPECT_EQ(because(rig, Reason::drop_oldest), 10u);
  EXPECT_EQ(because(rig, Reason::flow_full), 20u);
  letters(rig);
  rig.add(10);
  rig.turn();
  EXPECT_EQ(rig.waiting(1), 10u) << "empty again, it takes letters again";
}

TEST(ShedLetters, EndNothingInTheirLineThoughThatWouldDrop) {
  model::Graph dropping = graph(1, 15);
  dropping.sinks[1].queue.when_full = flow::WhenFull::drop_oldest;
  Rig rig(dropping);
  shed(rig, 3);
  const auto stats = rig.sink(1).inlet.stats();
  EXPECT_EQ(stats.pending.events, 15u) << "ten stand below the mark of 12; five more fit";
  EXPECT_EQ(stats.dropped[static_cast<std::size_t>(Reason::drop_oldest)], 0u);
  EXPECT_EQ(because(rig, Reason::flow_full), 15u);
}

TEST(ShedLetters, ThatAreLargerThanTheRoomAreGivenUp) {
  model::Graph narrow = graph(1);
  narrow.sinks[1].queue.bound.bytes = Bytes(100);
  Rig rig(narrow);
  shed(rig);
  EXPECT_EQ(rig.waiting(1), 0u) << "not even into the empty line";
  EXPECT_EQ(because(rig, Reason::flow_full), 10u);
}

TEST(ShedLetters, AreNotWrittenAfterTheirLineHasClosed) {
  Rig rig(graph(1));
  rig.sink(1).inlet.close();
  shed(rig);
  EXPECT_EQ(because(rig, Reason::flow_full), 10u);
  EXPECT_EQ(rig.sink(1).inlet.stats().offered.events, 0u);
}

TEST(ShedLetters, OfATenthAreATenth) {
  Rig rig(graph(0.1));
  std::size_t kept = 0;
  for (int i = 0; i < 200; ++i) {
    shed(rig, 1);
    kept += letters(rig).size();
  }
  EXPECT_NEAR(static_cast<double>(kept), 399, 60);
  EXPECT_EQ(because(rig, Reason::drop_oldest), kept);
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
  Rig rig(graph(1));
  shed(rig, 5);
  while (rig.waiting(0) + rig.waiting(1) > 0) rig.work(0), rig.work(1);
  const auto ledger = rig.flow->status().ledger();
  EXPECT_EQ(ledger.in_transit, 0);
  EXPECT_EQ(ledger.worst, 0) << ledger.where;
  EXPECT_EQ(rig.side(1).held.size(), 50u);
  EXPECT_EQ(rig.consumed(1, Fate::stored), 50u);
}

}  // namespace
}  // namespace weir::pipeline
