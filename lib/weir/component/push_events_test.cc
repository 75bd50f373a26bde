#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/push_events.h>

namespace weir {
namespace {

using testing::ElementsAre;

/// Keeps what a FakeOutput forgets: ids and what came with the batches.
class Output final : public conformance::FakeOutput {
 public:
  explicit Output(const Context& context) : FakeOutput(context, 1_MiB) {}
  void push(Batch batch, Ticket spare) override {
    for (std::uint32_t i = 0; i < batch.size(); ++i) ids.push_back(batch.id(i));
    spares.push_back(spare.amount());
    lines.emplace_back(batch.lines());
    FakeOutput::push(std::move(batch), std::move(spare));
  }
  Bytes cost(std::size_t bytes, std::size_t count) const override { return block_size(bytes, count, 1) + Bytes(bytes); }
  std::vector<std::uint64_t> ids;
  std::vector<Bytes> spares;
  std::vector<std::string> lines;
};

struct Owner final : ReceiptOwner {
  void on_settled(Receipt&) noexcept override { settled = true; }
  bool settled = false;
};

struct PushEventsTest : testing::Test {
  const std::string text = "a\nbb\nccc\ndddd\n";
  const std::vector<Batch::Slot> index{{0, 1, 0}, {2, 2, 1}, {5, 3, 2}, {9, 4, 3}};
  const std::vector<Priority> priorities{Priority::normal, Priority::critical, Priority::normal, Priority::batch};
  Context context;
  Output output{context};
  Ticket ticket = *output.reserve(64_KiB);
  BatchInfo info{.first_id = 100};
  Owner owner;
  Receipt receipt{owner};
  PrioritySplit split;
};

TEST_F(PushEventsTest, APieceIsOneBlockWithItsChargeAndWhatItsWayCosts) {
  receipt.owe(4);
  push_copy(output, text, index, &receipt, info, ticket);
  receipt.done_reading();
  EXPECT_THAT(output.lines, ElementsAre(text));
  EXPECT_THAT(output.spares, ElementsAre(Bytes(text.size())));
  EXPECT_TRUE(owner.settled);
  EXPECT_EQ(receipt.tally().of(Fate::stored), 4u);
}

TEST_F(PushEventsTest, TheHighestPriorityGoesFirstAndEachKeepsItsOrder) {
  receipt.owe(4);
  push_by_priority(output, split, text, index, priorities, &receipt, info, ticket);
  receipt.done_reading();
  EXPECT_THAT(output.events, ElementsAre("bb", "a", "ccc", "dddd"));
  EXPECT_THAT(output.lines, ElementsAre("bb\n", "a\nccc\n", "dddd\n"));
  EXPECT_THAT(output.priorities, ElementsAre(Priority::critical, Priority::normal, Priority::normal, Priority::batch));
  EXPECT_EQ(receipt.tally().of(Fate::stored), 4u);
}

TEST_F(PushEventsTest, AnEventKeepsItsIdWhereverItsPriorityTakesIt) {
  push_by_priority(output, split, text, index, priorities, nullptr, info, ticket);
  EXPECT_THAT(output.ids, ElementsAre(101, 100, 102, 103));
}

TEST_F(PushEventsTest, EveryBlockIsChargedAndNothingMoreThanTheTicketIsTaken) {
  push_by_priority(output, split, text, index, priorities, nullptr, info, ticket);
  ticket = Ticket{};
  EXPECT_EQ(output.budget().used(), Bytes{});
}

TEST_F(PushEventsTest, AShortTicketIsNoReasonToFail) {
  ticket = *output.reserve(1_B);
  push_copy(output, text, index, nullptr, info, ticket);
  EXPECT_EQ(output.events.size(), 4u);
}

TEST_F(PushEventsTest, PicksNothingWhereNoEventHasThePriority) {
  EXPECT_FALSE(split.pick(Priority::high, text, index, priorities));
  EXPECT_TRUE(split.index().empty());
}

}  // namespace
}  // namespace weir
