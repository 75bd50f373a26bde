#pragma once
/// The part of a kafka source on the reactor: gives pieces to the flow, one receipt each, as long as the flow takes
/// them.
///
/// Before a piece is taken over the flow must not be paused and must be ready, at most `max_unacked` events may be on
/// their way, and the memory must be there; until then the messages wait in the handoff, which ends the polling.
///
///   value longer than max_event     dead letter (its first 8 KiB, with its place); without dead letters counted
///   no value, or an empty one       skipped and counted, or dead letter, as `on_tombstone` says
///   failed (acks: stored)           read again from there, after 100 ms to 30 s
///   failed (weaker acks)            counted by the flow, and let go
///
/// Thread: its reactor; `quiet` any. Cost: two copies of a message and about 2 us for each piece.
/// Memory: one piece, its text, 1024 receipts. On cancel: `stop` gives nothing more; what is in the flow settles, the
/// group is told how far, then it is quiet. `abandon` ends the wait: what has not settled is read again.
#include <weir/async/reactor_task.h>
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>
#include <weir/component/push_events.h>
#include <weir/component/receipt_inbox.h>

#include <atomic>
#include <optional>

#include "handoff.h"
#include "poller.h"

namespace weir::kafka {

struct IntakeConfig {
  std::string name;  ///< of the source
  Bytes max_event = 256_KiB;
  std::uint64_t max_unacked = 10'000;
  bool keep_failed = true;  ///< acks: stored
  bool keep_tombstones = false;
  std::string metadata;
  bool recorded = false;  ///< messages are records of a journal of ours: time and id are theirs
  PriorityRule priorities;
};

class KafkaIntake final : public Intake {
 public:
  static constexpr std::size_t most_pieces = 1024;

  KafkaIntake(const IntakeSetup& setup, const IntakeConfig& config, Handoff& handoff, Poller& poller);
  ~KafkaIntake() override;
  void start() override;
  void stop(Duration) override;
  void abandon() override;
  bool quiet() const override { return finished_->load(std::memory_order_acquire); }

 private:
  struct Slot {
    std::optional<Receipt> receipt;
    PartitionIndex partition = 0;
    std::uint32_t epoch = 0, events = 0;
    Offsets::Number number = 0;
  };
  enum class Next : std::uint8_t { more, soon, later };

  void turn();
  void collect(TimePoint now);
  Next give_one(TimePoint now);
  bool flow_takes() const;
  bool take(TimePoint now);
  void gather();
  Slot& fill_slot();
  void give(Receipt& receipt, Ticket ticket, TimePoint now);
  void classify();
  std::shared_ptr<const Origin> origin_of(const rd_kafka_message_t& first) const;
  void count_what_is_left_out();
  bool write_letters();
  void let_go();

  const IntakeConfig config_;
  SourceOutput& output_;
  Handoff& handoff_;
  Poller& poller_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  // The piece that is given next, or whose dead letters are; gathered.
  std::optional<MessageRun> run_;
  std::string text_;
  std::vector<Batch::Slot> index_;
  std::vector<Priority> priorities_;  // of index_
  PrioritySplit split_;
  WallTime written_{};  // of its first message
  std::uint64_t first_id_ = 0, first_position_ = 0;
  std::shared_ptr<const SourcePartition> place_;  // of the piece
  std::shared_ptr<const Origin> origin_;
  std::vector<const rd_kafka_message_t*>
      letters_;  // those that cannot enter the flow; written as dead letters from the back
  std::uint64_t skipped_ = 0, too_large_ = 0;  // counted instead
  Slot* writing_letters_ = nullptr;
  std::optional<FieldReader> field_;
  std::uint64_t unacked_ = 0;
  bool started_ = false, stopping_ = false, said_large_ = false;
  std::shared_ptr<std::atomic<bool>> finished_ = std::make_shared<std::atomic<bool>>(false);
  async::ReactorTask task_;
  ReceiptInbox inbox_;
};

}  // namespace weir::kafka
