#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/base/sanitizers_for_test.h>
#include <weir/component/batch.h>
#include <weir/component/conformance/batches.h>

#include <cstring>

namespace weir {
namespace {

using conformance::batch_of;
using conformance::Layout;
using testing::ElementsAre;

class Owner final : public ReceiptOwner {
 public:
  void on_settled(Receipt&) noexcept override { ++settled; }
  int settled = 0;
};

std::vector<std::string> texts(const Batch& batch) {
  std::vector<std::string> all;
  for (std::uint32_t i = 0; i < batch.size(); ++i) all.emplace_back(batch[i]);
  return all;
}

std::vector<std::uint64_t> ids(const Batch& batch) {
  std::vector<std::uint64_t> all;
  for (std::uint32_t i = 0; i < batch.size(); ++i) all.push_back(batch.id(i));
  return all;
}

/// Two receipts, three events of the first and two of the second, as a builder makes them.
class BatchTest : public testing::Test {
 protected:
  Batch built() {
    BatchBuilder builder({64_KiB, 100});
    for (const char* event : {"a1", "a22", "a333"}) add(builder, event, a);
    for (const char* event : {"b1", "b22"}) add(builder, event, b);
    return builder.seal({.received = {}, .received_wall = {}, .first_id = 100});
  }
  static void add(BatchBuilder& builder, std::string_view event, Receipt& receipt) {
    ASSERT_TRUE(builder.fits(event.size()));
    receipt.owe(1);
    builder.add(event, &receipt);
  }
  void expect_settled() {
    EXPECT_EQ(a.pending(), 1u);
    EXPECT_EQ(b.pending(), 1u);
  }
  Owner owner;
  Receipt a{owner}, b{owner};
};

TEST_F(BatchTest, HoldsWhatWasGathered) {
  auto batch = built();
  EXPECT_THAT(texts(batch), ElementsAre("a1", "a22", "a333", "b1", "b22"));
  EXPECT_THAT(ids(batch), ElementsAre(100, 101, 102, 103, 104));
  EXPECT_EQ(batch.load(), (Load{5, Bytes(14)}));
  EXPECT_EQ(batch.lines(), "a1\na22\na333\nb1\nb22\n");
  EXPECT_EQ(batch.receipt_of(2), &a);
  EXPECT_EQ(batch.receipt_of(3), &b);
  batch.settle(Fate::stored);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(a.tally().of(Fate::stored), 3u);
  EXPECT_EQ(b.tally().of(Fate::stored), 2u);
  expect_settled();
}

TEST_F(BatchTest, SplitsAnywhereWithoutMovingBytes) {
  for (std::uint32_t n = 0; n <= 5; ++n) {
    auto rest = built();
    const auto whole = texts(rest);
    auto front = rest.split(n);
    EXPECT_EQ(front.size(), n);
    EXPECT_EQ(rest.size(), 5 - n);
    EXPECT_EQ(front.load().bytes + rest.load().bytes, Bytes(14));
    auto joined = texts(front);
    for (auto& text : texts(rest)) joined.push_back(text);
    EXPECT_EQ(joined, whole);
    if (n < 5) EXPECT_EQ(rest.id(0), 100 + n);
    EXPECT_EQ(std::string(front.lines()) + std::string(rest.lines()), "a1\na22\na333\nb1\nb22\n");
    if (n < 5) EXPECT_EQ(rest.receipt_of(0), n < 3 ? &a : &b);
    front.settle(Fate::stored);
    rest.settle(Fate::dropped, Reason::expired);
    expect_settled();
  }
  EXPECT_EQ(a.tally().of(Fate::stored), 0u + 1 + 2 + 3 + 3 + 3);
  EXPECT_EQ(b.tally().of(Fate::stored), 0u + 0 + 0 + 0 + 1 + 2);
}

TEST_F(BatchTest, SettlesPiecesOfPiecesForTheRightReceipts) {
  auto last = built();
  auto first = last.split(1);
  auto middle = last.split(3);
  middle.settle(Fate::failed, Reason::sink_rejected);
  EXPECT_EQ(a.tally().of(Fate::failed), 2u);
  EXPECT_EQ(b.tally().of(Fate::failed), 1u);
  first.settle(Fate::stored);
  last.settle(Fate::stored);
  expect_settled();
}

TEST_F(BatchTest, GivesExceptionsTheirOwnFate) {
  auto batch = built();
  const std::vector<Batch::Ending> endings{{0, Fate::failed, Reason::sink_rejected},
                                           {3, Fate::dead_lettered, Reason::sink_rejected},
                                           {4, Fate::dropped, Reason::expired}};
  batch.settle(Fate::stored, endings);
  EXPECT_EQ(a.tally().of(Fate::stored), 2u);
  EXPECT_EQ(a.tally().of(Fate::failed), 1u);
  EXPECT_EQ(b.tally().of(Fate::stored), 0u);
  EXPECT_EQ(b.tally().of(Fate::dead_lettered), 1u);
  EXPECT_EQ(b.tally().of(Fate::dropped), 1u);
  expect_settled();
}

TEST_F(BatchTest, CountsExceptionsFromTheFrontOfAPiece) {
  auto rest = built();
  rest.split(2).settle(Fate::stored);
  const std::vector<Batch::Ending> endings{{1, Fate::failed, Reason::sink_rejected}};
  rest.settle(Fate::stored, endings);
  EXPECT_EQ(a.tally().of(Fate::failed), 0u);
  EXPECT_EQ(b.tally().of(Fate::failed), 1u);
  expect_settled();
}

TEST_F(BatchTest, LeavesAMovedEventOwedToTheBatchThatHasItNow) {
  auto batch = built();
  const std::vector<Batch::Ending> endings{{3, Fate::dead_lettered, Reason::sink_rejected, true}};
  batch.settle(Fate::stored, endings);
  EXPECT_EQ(a.pending(), 1u);
  EXPECT_EQ(b.pending(), 2u);
  b.settle(1, Fate::dead_lettered);
  expect_settled();
}

TEST_F(BatchTest, IsOwedOnceMoreForEachRequiredBranch) {
  auto batch = built();
  auto required = batch.share(true);
  auto optional = batch.share(false);
  EXPECT_EQ(texts(required), texts(batch));
  EXPECT_FALSE(optional.carries_receipts());
  EXPECT_EQ(a.pending(), 7u);
  optional.settle(Fate::failed);
  auto piece = required.split(4);
  auto again = piece.share(true);
  batch.settle(Fate::stored);
  required.settle(Fate::stored);
  piece.settle(Fate::stored);
  EXPECT_EQ(a.pending(), 4u);
  again.settle(Fate::dropped, Reason::expired);
  EXPECT_EQ(a.tally().of(Fate::stored), 6u);
  EXPECT_EQ(a.tally().of(Fate::failed), 0u);
  EXPECT_EQ(b.tally().of(Fate::dropped), 1u);
  expect_settled();
}

TEST_F(BatchTest, SharesOfAnOptionalBranchOweNothing) {
  auto batch = built();
  auto optional = batch.share(false);
  auto deeper = optional.share(true);
  EXPECT_EQ(a.pending(), 4u);
  deeper.settle(Fate::failed);
  optional.settle(Fate::failed);
  batch.settle(Fate::stored);
  expect_settled();
}

TEST_F(BatchTest, FindsThePrefixThatFits) {
  auto batch = built();
  EXPECT_EQ(batch.prefix({100, Bytes(100)}), 5u);
  EXPECT_EQ(batch.prefix({5, Bytes(14)}), 5u);
  EXPECT_EQ(batch.prefix({3, Bytes(100)}), 3u);
  EXPECT_EQ(batch.prefix({100, Bytes(13)}), 4u);
  EXPECT_EQ(batch.prefix({100, Bytes(5)}), 2u);
  EXPECT_EQ(batch.prefix({100, Bytes(1)}), 0u);
  EXPECT_EQ(batch.prefix({0, Bytes(100)}), 0u);
  batch.settle(Fate::stored);
}

TEST(BatchDeathTest, DiesOfABatchThatVanishesUnsettled) {
  EXPECT_DEATH({ auto lost = batch_of({"x"}, 1); }, "broken invariant");
}

TEST(Batch, HasNoLinesUnlessItLiesAsLines) {
  auto array = batch_of({"1", "2"}, 1, Layout::array);
  EXPECT_EQ(array.lines(), "");
  array.settle(Fate::stored);
  auto one = batch_of({"1"}, 1, Layout::array);
  EXPECT_EQ(one.lines(), "");
  one.settle(Fate::stored);
}

TEST(Batch, IsPaddedForASimdParser) {
  for (const auto layout : {Layout::lines, Layout::array}) {
    auto batch = batch_of({"{\"a\":1}", "{}"}, 1, layout);
    const auto last = batch[1];
    char copy[block_padding];
    std::memcpy(copy, last.data() + last.size(), block_padding);  // a sanitizer sees whether it may be read
    batch.settle(Fate::stored);
  }
}

TEST(Batch, LiesAlignedForEveryCount) {
  for (std::size_t n = 1; n < 10; ++n) {
    auto batch = batch_of(std::vector<std::string>(n, "{}"), 1);
    batch.for_each_run([](Receipt* receipt, std::uint32_t) { EXPECT_EQ(receipt, nullptr); });
    batch.settle(Fate::stored);
  }
}

TEST(BatchBuilder, SealsNothingFromNothing) {
  BatchBuilder builder({1_KiB, 10});
  EXPECT_TRUE(builder.empty());
  auto batch = builder.seal({});
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.lines(), "");
}

TEST(BatchBuilder, IsFullAtEitherLimit) {
  BatchBuilder by_events({1_KiB, 2});
  by_events.add("a", nullptr);
  EXPECT_TRUE(by_events.fits(1));
  by_events.add("b", nullptr);
  EXPECT_FALSE(by_events.fits(1));
  by_events.seal({}).settle(Fate::stored);
  EXPECT_TRUE(by_events.fits(1));
  BatchBuilder by_bytes({10_B, 100});
  by_bytes.add("12345", nullptr);
  EXPECT_TRUE(by_bytes.fits(3));
  EXPECT_FALSE(by_bytes.fits(4));
  by_bytes.seal({}).settle(Fate::stored);
}

TEST(BatchBuilder, TakesAnEventLargerThanItselfAlone) {
  BatchBuilder builder({10_B, 100});
  EXPECT_TRUE(builder.fits(1000));
  const std::string large(1000, 'x');
  builder.add(large, nullptr);
  EXPECT_FALSE(builder.fits(0));
  auto batch = builder.seal({});
  EXPECT_EQ(batch[0], large);
  EXPECT_EQ(batch.lines(), large + "\n");
  batch.settle(Fate::stored);
  builder.add("small", nullptr);
  EXPECT_TRUE(builder.fits(1));
  auto next = builder.seal({});
  EXPECT_EQ(next.lines(), "small\n");
  next.settle(Fate::stored);
}

TEST(BatchBuilder, GivesBackWhatTheBlockDoesNotNeed) {
  Budget budget(1_MiB);
  BatchBuilder builder({1_KiB, 10});
  builder.absorb(std::move(*budget.try_take(5'000_B)));
  builder.absorb(std::move(*budget.try_take(5'000_B)));
  builder.add("{}", nullptr);
  Ticket spare;
  auto batch = builder.seal({}, &spare);
  EXPECT_EQ(budget.used(), 10'000_B);
  EXPECT_EQ(spare.amount(), 10'000_B - block_size(3, 1, 1));
  spare.give_back();
  auto shared = batch.share(false);
  batch.settle(Fate::stored);
  EXPECT_EQ(budget.used(), block_size(3, 1, 1));
  shared.settle(Fate::stored);
  EXPECT_EQ(budget.used(), 0_B);
}

TEST(BlockWriter, BecomesTheBlockItWasReadInto) {
  Budget budget(1_MiB);
  auto charge = std::move(*budget.try_take(10'000_B));
  BlockWriter writer(12);
  for (const std::string_view part : {"one\n", "two\n", "last"}) {
    ASSERT_GE(writer.space().size(), part.size());
    std::memcpy(writer.space().data(), part.data(), part.size());
    writer.wrote(part.size());
  }
  EXPECT_TRUE(writer.space().empty());
  EXPECT_EQ(std::string_view(writer.data().data(), writer.data().size()), "one\ntwo\nlast");
  std::vector<Batch::Slot> index(3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    index[i].offset = 4 * i;
    index[i].length = i == 2 ? 4 : 3;
    index[i].number = i;
  }
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(3);
  auto batch = writer.seal(index, &receipt, {.received = {}, .received_wall = {}, .first_id = 7}, charge);
  EXPECT_EQ(charge.amount(), 10'000_B - block_size(12, 3, 1));
  EXPECT_EQ(batch.lines(), "one\ntwo\nlast\n");
  EXPECT_THAT(ids(batch), ElementsAre(7, 8, 9));
  batch.settle(Fate::stored);
  EXPECT_EQ(receipt.pending(), 1u);
  EXPECT_EQ(budget.used(), charge.amount());
}

TEST(BlockWriter, IsSealedWhereItLiesWhenItsEventsAreOfUsualLength) {
  if (realloc_always_moves) GTEST_SKIP() << "a sanitizer's realloc always moves";
  Budget budget(1_MiB);
  auto charge = std::move(*budget.try_take(500'000_B));
  constexpr std::uint32_t events = 700, length = 128;
  BlockWriter writer(events * length);
  std::memset(writer.space().data(), '\n', events * length);
  writer.wrote(events * length);
  const char* const before = writer.data().data();
  std::vector<Batch::Slot> index(events);
  for (std::uint32_t i = 0; i < events; ++i) {
    index[i].offset = length * i;
    index[i].length = length - 1;
    index[i].number = i;
  }
  auto batch = writer.seal(index, nullptr, {}, charge);
  EXPECT_EQ(batch[0].data(), before);
  batch.settle(Fate::stored);
}

TEST(BlockWriter, KeepsItsCapacityWhenItIsMoved) {
  BlockWriter small(8), large(64);
  small = std::move(large);
  EXPECT_EQ(small.space().size(), 64u);
  EXPECT_LE(large.space().size(), 8u);
  BlockWriter moved(std::move(small));
  EXPECT_EQ(moved.space().size(), 64u);
}

TEST(BlockWriter, GivesUpABodyThatNeverCameWhole) {
  BlockWriter writer(1 << 20);
  writer.wrote(10);
}

}  // namespace
}  // namespace weir
