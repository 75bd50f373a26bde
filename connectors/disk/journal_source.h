#pragma once
/// A consumer of a journal as a source: it reads while the flow behind it takes events, and its cursor follows what
/// settles.
///
/// One receipt stands for what was read in one piece: a record, or several small ones of one priority. The cursor moves
/// over contiguous settled pieces only (semantics B1). When stopped, it reads on until everything is read or nothing
/// has settled for a second: what is left stays in the journal.
///
/// Thread: its reactor; `quiet` any. Cost: one copy of the events into their block; about 1 us for each piece.
/// Memory: one read-ahead and 1024 receipts. On cancel: what was not settled is read again by the next start.
#include <weir/async/reactor_task.h>
#include <weir/component/receipt_inbox.h>
#include <weir/component/source.h>

#include <array>
#include <atomic>
#include <optional>

#include "disk_journal.h"
#include "journal/reader.h"

namespace weir::disk {

class JournalSource final : public Source {
 public:
  JournalSource(std::shared_ptr<DiskJournal> journal, DiskJournal::ConsumerAge& age)
      : journal_(std::move(journal)), age_(age) {}
  Result<void> open() override { return {}; }
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override;
  std::string address() const override { return journal_->log().config().path; }
  /// As far as the journal goes now: everything is settled.
  bool at_end() const override;

 private:
  const std::shared_ptr<DiskJournal> journal_;
  DiskJournal::ConsumerAge& age_;
};

class JournalIntake final : public Intake {
 public:
  static constexpr std::size_t most_open_ranges = 1024;

  JournalIntake(const IntakeSetup& setup, std::shared_ptr<DiskJournal> journal, DiskJournal::ConsumerAge& age);
  ~JournalIntake() override;
  void start() override;
  void stop(Duration) override;
  void abandon() override;
  bool quiet() const override;

 private:
  struct OpenRange {
    std::optional<Receipt> receipt;
    journal::Position end;
    std::int64_t wall = 0;
    bool settled = false, lost = false;
  };
  enum class Next : std::uint8_t { more, soon, later };

  OpenRange& at(std::size_t i) { return open_ranges_[(head_ + i) % most_open_ranges]; }
  void turn();
  Next give_one(TimePoint now);
  void gather(const journal::RecordView& first);
  bool goes_with(const journal::RecordView& record) const;
  void give(std::string_view text, const BatchInfo& info, Ticket ticket);
  void collect();
  void advance();
  void tell_losses();
  void publish();

  SourceOutput& output_;
  const std::shared_ptr<DiskJournal> journal_;
  DiskJournal::ConsumerAge& age_;
  journal::Reader reader_;
  std::vector<OpenRange> open_ranges_;
  std::size_t head_ = 0, used_ = 0;
  std::string text_;  // small records of one priority, gathered
  std::vector<Batch::Slot> index_;
  BatchInfo info_;
  TimePoint progress_{};
  bool stopping_ = false, stuck_ = false, said_error_ = false;
  std::atomic<bool> idle_{false}, quiet_{true}, over_{false};
  std::atomic<std::uint64_t> read_to_{0};
  async::ReactorTask task_;
  ReceiptInbox inbox_;
};

}  // namespace weir::disk
