#include "pipeline/report/left.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

struct Owner final : ReceiptOwner {
  void on_settled(Receipt&) noexcept override {}
  Receipt receipt{*this};
};

Batch batch(Receipt* receipt, std::uint64_t first_id, std::uint32_t n, bool receipts = true) {
  const std::string text(n, 'x');
  std::vector<Batch::Slot> index;
  for (std::uint32_t i = 0; i < n; ++i) index.push_back({i, 1, i});
  const Batch::Run run{receipt, n};
  BatchInfo info;
  info.first_id = first_id;
  if (receipt) receipt->owe(n);
  return make_batch(text, index, {&run, 1}, info, Ticket{}, receipts);
}

TEST(Left, TellsWhoStillHasWhatWasGivenUp) {
  Owner sender, journal;
  Left left;
  const auto give_up = [&](Receipt* receipt, Remains remains, std::uint32_t n) {
    Batch one = batch(receipt, n * 100, n);
    left.add(one, remains);
    one.settle(Fate::abandoned);
  };
  give_up(&sender.receipt, Remains::with_sender, 1);
  give_up(&journal.receipt, Remains::on_disk, 2);
  give_up(nullptr, Remains::with_sender, 4);
  EXPECT_EQ(left.events, 7u);
  EXPECT_EQ(left.repeated(), 1u);
  EXPECT_EQ(left.on_disk, 2u);
  EXPECT_EQ(left.lost(), 4u);
}

TEST(Left, ACopyIsLostUnlessItsEventIsSentAgain) {
  Owner sender;
  Batch owed = batch(&sender.receipt, 100, 3), copies = batch(nullptr, 101, 5, false);
  Left left;
  left.add(copies);
  Left required;
  required.add(owed);
  left += required;
  EXPECT_EQ(left.repeated(), 3u);
  EXPECT_EQ(left.lost(), 3u) << "103, 104 and 105: 101 and 102 come again";
  owed.settle(Fate::abandoned);
  copies.settle(Fate::abandoned);
}

TEST(Left, WhatHasMovedToADeadLetterIsNotGivenUp) {
  Batch accepted = batch(nullptr, 1, 4);
  const Batch::Ending moved[] = {{1, Fate::dead_lettered, Reason::sink_rejected, true},
                                 {3, Fate::dead_lettered, Reason::sink_rejected, true}};
  Left left;
  left.add(accepted, Remains::with_sender, moved);
  EXPECT_EQ(left.events, 2u);
  EXPECT_EQ(left.lost(), 2u);
  accepted.settle(Fate::abandoned);
}

TEST(Left, CountsIdsThatGoOnFromTheLargestToZero) {
  IdRanges ids, others;
  for (const std::uint64_t id : {UINT64_MAX - 1, UINT64_MAX, std::uint64_t{0}, std::uint64_t{1}}) ids.add(id);
  for (const std::uint64_t id : {0u, 1u}) others.add(id);
  EXPECT_EQ(ids.count(), 4u);
  EXPECT_EQ(ids.count_without(others), 2u);
}

}  // namespace
}  // namespace weir::pipeline
