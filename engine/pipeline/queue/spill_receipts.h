#pragma once
/// The receipts of events that are on the disk (semantics A1: spilled is pending), in the order of the disk.
///
/// A spilled batch gives up its bytes and keeps its receipts: one entry {receipt, events} for each run, in the order of
/// the disk; runs of one receipt that follow each other are one entry. What is read back gets receipts of the spill's
/// own (lent receipts): when one settles, its fates are passed to the original at once. The cursor, up to which nothing
/// on the disk is needed any more, moves over contiguous settled pieces only. It never moves past a piece that a stop
/// gave up: the next start reads it again.
///
/// Thread: one owner; lent receipts settle on any. Cost: 24 bytes for each run on the disk, 96 for each that is back;
/// settling one atomic more. Memory: both are bounded; without room the spill waits. On cancel: `abandon` ends what is
/// owed.
#include <weir/component/batch.h>
#include <weir/component/receipt_inbox.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "journal/cursor.h"

namespace weir::pipeline {

class SpillReceipts final : public ReceiptOwner {
 public:
  static constexpr std::size_t most_runs = 65'536;  ///< on the disk
  static constexpr std::size_t most_lent = 4'096;   ///< back in memory
  static constexpr std::size_t most_lent_ranges = 1'024;
  static constexpr Bytes memory = 24_B * most_runs + 96_B * most_lent;

  /// `wake` is called when something was settled, on the thread that settled it.
  explicit SpillReceipts(std::function<void()> wake);

  // ---- on the disk ----
  bool has_room_for(std::span<const Batch> batches) const;
  /// Appends the receipts of this batch; the batch itself may be dissolved.
  void put(const Batch& batch);
  /// Events without receipts: those of an earlier run.
  void put_unowed(std::uint64_t events) { append(nullptr, events); }

  // ---- back in memory ----
  bool can_lend(std::uint32_t events) const;
  /// Receipts for the next so many events, which end at `end` on the disk.
  void lend(std::uint32_t events, const journal::Position& end, std::vector<Batch::Run>& runs);
  /// The next so many events are gone from the disk: they have failed.
  void lose(std::uint64_t events);
  /// Whether these events are on the disk as well.
  bool has_lent(const Batch& batch) const;
  struct Collected {
    bool any = false;
    std::optional<journal::Position> to{};  ///< where the place moves to, if it moves
  };
  Collected collect();

  /// Settles the receipts of events that are on the disk only as abandoned (outcome unknown); the events are delivered
  /// after the next start.
  void abandon();
  void on_settled(Receipt& receipt) noexcept override;

 private:
  struct Owed {
    Receipt* receipt;
    std::uint64_t events;
  };
  struct Lent {
    std::optional<Receipt> receipt;
    Receipt* original = nullptr;
    std::uint32_t piece = 0;
  };
  struct LentRange {
    journal::Position end;
    std::uint32_t open = 0;  // lent receipts of it that are not settled
    bool lost = false;
  };
  void append(Receipt* receipt, std::uint64_t events);
  /// The front of the line, cut to n events.
  Owed take(std::uint64_t n);

  ReceiptInbox inbox_;
  std::deque<Owed> line_;
  std::unique_ptr<Lent[]> lent_;
  std::vector<std::uint32_t> free_;
  std::vector<LentRange> lent_ranges_;
  std::size_t head_ = 0, used_ = 0;
  bool stuck_ = false;
};

}  // namespace weir::pipeline
