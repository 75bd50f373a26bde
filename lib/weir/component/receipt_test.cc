#include <gtest/gtest.h>
#include <weir/component/receipt.h>

#include <thread>
#include <vector>

namespace weir {
namespace {

class Owner final : public ReceiptOwner {
 public:
  void on_settled(Receipt&) noexcept override { ++settled; }
  std::atomic<int> settled{0};
};

TEST(Receipt, FitsIntoItsCharge) { EXPECT_LE(sizeof(Receipt), Receipt::charge.count()); }

TEST(Receipt, SettlesOnceWhenItIsReadAndNothingIsOwed) {
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(3);
  receipt.settle(2, Fate::stored);
  receipt.done_reading();
  EXPECT_EQ(owner.settled, 0);
  EXPECT_EQ(receipt.pending(), 1u);
  receipt.settle(1, Fate::filtered);
  EXPECT_EQ(owner.settled, 1);
  EXPECT_EQ(receipt.pending(), 0u);
}

TEST(Receipt, WaitsForItsReaderEvenWhenAllEventsHaveEnded) {
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(1);
  receipt.settle(1, Fate::stored);
  EXPECT_EQ(owner.settled, 0);
  receipt.owe(1);
  receipt.settle(1, Fate::stored);
  receipt.done_reading();
  EXPECT_EQ(owner.settled, 1);
}

TEST(Receipt, SettlesAnEmptyUnitWhenItIsRead) {
  Owner owner;
  Receipt receipt(owner);
  receipt.settle(0, Fate::failed);
  receipt.done_reading();
  EXPECT_EQ(owner.settled, 1);
  EXPECT_EQ(receipt.tally().worst(), Fate::stored);
}

TEST(Receipt, TalliesEveryFateAndReportsTheWorst) {
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(10);
  receipt.settle(4, Fate::stored);
  receipt.settle(3, Fate::filtered);
  EXPECT_EQ(receipt.tally().worst(), Fate::filtered);
  receipt.settle(1, Fate::dead_lettered);
  EXPECT_TRUE(counts_as_stored(receipt.tally().worst()));
  receipt.settle(2, Fate::dropped, Reason::codel);
  receipt.done_reading();
  const auto tally = receipt.tally();
  EXPECT_EQ(tally.of(Fate::stored), 4u);
  EXPECT_EQ(tally.of(Fate::filtered), 3u);
  EXPECT_EQ(tally.of(Fate::dead_lettered), 1u);
  EXPECT_EQ(tally.of(Fate::dropped), 2u);
  EXPECT_EQ(tally.worst(), Fate::dropped);
  EXPECT_EQ(tally.reason, Reason::codel);
}

TEST(Receipt, KeepsTheReasonOfABadFateWhenGoodOnesFollow) {
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(2);
  receipt.settle(1, Fate::failed, Reason::sink_rejected);
  receipt.settle(1, Fate::stored);
  EXPECT_EQ(receipt.tally().reason, Reason::sink_rejected);
}

TEST(ReceiptDeathTest, DiesOfASecondSettlement) {
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(1);
  EXPECT_DEATH(receipt.settle(3, Fate::stored), "broken invariant");
}

TEST(Receipt, IsSettledByManyThreadsExactlyOnce) {
  constexpr int threads = 4, rounds = 20'000;
  Owner owner;
  Receipt receipt(owner);
  receipt.owe(threads * rounds);
  std::vector<std::thread> settlers;
  for (int t = 0; t < threads; ++t)
    settlers.emplace_back([&, t] {
      for (int i = 0; i < rounds; ++i) receipt.settle(1, t % 2 ? Fate::stored : Fate::dropped, Reason::expired);
    });
  receipt.done_reading();
  for (auto& settler : settlers) settler.join();
  EXPECT_EQ(owner.settled, 1);
  EXPECT_EQ(receipt.tally().of(Fate::stored) + receipt.tally().of(Fate::dropped), threads * rounds);
}

}  // namespace
}  // namespace weir
