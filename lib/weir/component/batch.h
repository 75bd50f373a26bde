#pragma once
/// A batch of events: bytes, an index into them, one priority (semantics B6, C3, C5).
///
/// A Batch is a view {block, first, count} of an immutable Block: one allocation that holds the bytes, the index and
/// which receipts its events belong to, charged to the Budget by its capacity. Splitting moves indexes, never bytes;
/// a fan-out shares the block read-only. Events are raw bytes (JSON is kept as it came and never re-dumped); the block
/// is padded so that a SIMD parser may read past the last event.
///
///   | Block | bytes ... padding | index: {offset, length, number} x count | runs: {receipt, events} |
///
/// Blocks are made two ways: BatchBuilder gathers small pieces and seals an exact-size copy; BlockWriter is a body read
/// straight into what will be the block.
///
/// Thread: a Batch has one owner at a time; a Block is shared by counting. Cost: share and split O(events they give, to
/// add up their bytes), no copy; settle O(runs). On cancel: a Batch must be ended with `settle`; to destroy one with
/// events is a defect (checked in debug builds).
#include <weir/base/units.h>
#include <weir/component/origin.h>
#include <weir/component/receipt.h>
#include <weir/flow/demand/budget.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

inline constexpr std::size_t block_padding = 64;  // what simdjson may read past the end

/// The partition of a source in which the events of a block were read.
struct SourcePartition {
  /// From event `number` on, and until the next mark.
  struct Mark {
    std::uint32_t number;
    std::int64_t value;
    bool operator==(const Mark&) const = default;
  };
  std::string name;  ///< "orders/3": topic and partition
  /// What tells an event from another that lies at the same position, because the partition was made again under its
  /// old name: the same each time the event is read. Kafka: when it was written. Ascending; empty: nothing is known.
  std::vector<Mark> marks{};

  void mark(std::uint32_t number, std::int64_t value) {
    if (marks.empty() || marks.back().value != value) marks.push_back({number, value});
  }
  std::optional<std::int64_t> mark_of(std::uint32_t number) const;
};

/// Where an event was read, for letters and people: "orders/3" and 1041, topic and partition and offset.
struct EventPosition {
  std::string_view name;
  std::uint64_t position;
  std::optional<std::int64_t> mark{};  ///< as in SourcePartition
};

/// What all events of a block have in common.
struct BatchInfo {
  Priority priority = Priority::normal;
  TimePoint received;          ///< when its first event was read: ages and CoDel count from here
  WallTime received_wall;      ///< what sinks write
  bool one_line_each = false;  ///< the source knows that no event holds a line feed; false: not known
  bool dead_letter = false;    ///< confirmed, its events count as dead-lettered instead of stored
  bool read_again = false;     ///< it may have been delivered before: it was read from where a restart reads again
  std::uint64_t first_id = 0;  ///< stable ids: event k of what was read is first_id + k; never given twice
  std::shared_ptr<const SourcePartition> place{};  ///< where it was read, if the source says so: event k lies there at
  std::uint64_t first_position = 0;                ///< first_position + k
  std::shared_ptr<const Origin> origin{};          ///< null: nobody asked, or there is nothing to say beyond the source
};

class Batch {
 public:
  /// `number` is the event's place in the block it came in with: its id is first_id + number, whatever stages left out.
  struct Slot {
    std::uint32_t offset, length, number;
  };
  struct Run {
    Receipt* receipt;
    std::uint32_t events;
  };
  struct Block;

  Batch() = default;
  Batch(Batch&& o) noexcept;
  Batch& operator=(Batch&& o) noexcept;
  ~Batch();

  bool empty() const { return count_ == 0; }
  std::uint32_t size() const { return count_; }
  /// Events, and their bytes without index or padding.
  Load load() const { return {count_, Bytes(bytes_)}; }
  const BatchInfo& info() const;
  Priority priority() const { return info().priority; }
  TimePoint since() const { return info().received; }
  std::string_view operator[](std::uint32_t i) const;
  std::uint64_t id(std::uint32_t i) const { return info().first_id + slots()[i].number; }
  std::uint32_t number(std::uint32_t i) const { return slots()[i].number; }
  std::optional<EventPosition> place_of(std::uint32_t i) const {
    const auto& place = info().place;
    if (!place) return std::nullopt;
    const auto number = slots()[i].number;
    return EventPosition{place->name, info().first_position + number, place->mark_of(number)};
  }
  /// All events as one piece of text, each ended by '\n'; empty when they are not laid out so in memory. An event may
  /// hold line feeds of its own: a caller that needs one line for each event has to count them.
  std::string_view lines() const;

  /// How many events from the front fit into `room`.
  std::uint32_t prefix(Load room) const;
  /// Takes the first n events out of this batch.
  Batch split(std::uint32_t n);
  /// The same events for another branch. With receipts each event is owed once more; without, the branch is optional.
  Batch share(bool with_receipts) const;

  /// Ends all its events with one fate. A batch is settled once; after it, it is empty.
  void settle(Fate fate, Reason reason = Reason::sink_failed);
  /// Ends the events of `exceptions` (ascending index) each with its own fate and all others with `rest`. An event that
  /// has `moved` ends later, with the batch that owes it now (a dead letter).
  struct Ending {
    std::uint32_t index;
    Fate fate;
    Reason reason;
    bool moved = false;
  };
  void settle(Fate rest, std::span<const Ending> exceptions);
  /// Releases the events, because what is owed for them has moved into another batch (a stage's output).
  void dissolve() { release(); }
  bool carries_receipts() const { return receipts_; }
  /// Calls f(receipt, events) for each run; receipts may be null.
  template <typename F>
  void for_each_run(F&& f) const;
  Receipt* receipt_of(std::uint32_t i) const;  ///< O(runs): for the few events that end alone

 private:
  friend class BatchBuilder;
  friend class BlockWriter;
  friend Batch make_batch(std::string_view bytes, std::span<const Slot> index, std::span<const Run> runs,
                          const BatchInfo& info, Ticket charge, bool receipts);
  Batch(Block* block, std::uint32_t first, std::uint32_t count, bool receipts);
  std::span<const Slot> slots() const;
  std::span<const Run> runs() const;
  void release();

  Block* block_ = nullptr;
  std::uint32_t first_ = 0, count_ = 0;
  std::uint64_t bytes_ = 0;
  bool receipts_ = false;
};

/// The memory a block takes for so many bytes, events and runs: what a reservation must cover.
Bytes block_size(std::size_t bytes, std::size_t events, std::size_t runs);

/// How many events one request may be charged for between two shares of a block's own overhead: a request's events lie
/// in at most 1 + events / this many blocks.
inline constexpr std::size_t events_per_overhead = 512;

/// A new block with a copy of these bytes; `charge` is what it is charged with until it dies.
Batch make_batch(std::string_view bytes, std::span<const Batch::Slot> index, std::span<const Batch::Run> runs,
                 const BatchInfo& info, Ticket charge, bool receipts = true);

/// A body read straight into what will be its block: no copy for large requests. Capacity is what the reservation
/// allowed; pages that are never written cost nothing, and sealing gives the rest back.
class BlockWriter {
 public:
  explicit BlockWriter(std::size_t capacity);
  BlockWriter(BlockWriter&& o) noexcept;
  BlockWriter& operator=(BlockWriter&& o) noexcept;
  ~BlockWriter();

  std::span<char> space();    ///< where the next bytes go; empty when the capacity is used up
  void wrote(std::size_t n);  ///< n bytes of space() now hold data
  std::span<char> data();     ///< what was written; padded behind, so a SIMD parser may run over it
  /// Seals it with this index. The ticket must cover block_size(); the surplus stays with the caller.
  Batch seal(std::span<const Batch::Slot> index, Receipt* receipt, const BatchInfo& info, Ticket& charge);

 private:
  Batch::Block* block_ = nullptr;
  std::size_t capacity_ = 0;
};

/// Gathers events of one priority into a buffer of fixed capacity (a footprint, not budget) and seals exact-size
/// batches.
class BatchBuilder {
 public:
  struct Limits {
    Bytes bytes = 256_KiB;
    std::uint32_t events = 1024;
  };
  explicit BatchBuilder(Limits limits);

  bool empty() const { return index_.empty(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(index_.size()); }
  /// True when the event still fits; an event larger than the whole buffer fits into an empty one.
  bool fits(std::size_t event_bytes) const;
  /// Adds one event of `receipt` (may be null). The ticket's share for it comes with `absorb`.
  void add(std::string_view event, Receipt* receipt);
  void absorb(Ticket&& part) { charge_.absorb(std::move(part)); }
  /// Everything gathered so far, as a batch. What it does not need of the gathered tickets goes to `spare` (for the
  /// outputs of stages made from it), or back to the budget.
  Batch seal(const BatchInfo& info, Ticket* spare = nullptr);
  /// The same for events without a receipt.
  Batch seal_unowed(const BatchInfo& info);

 private:
  Batch seal(const BatchInfo& info, Ticket* spare, bool receipts);

  Limits limits_;
  std::unique_ptr<char[]> bytes_;
  std::size_t used_ = 0;
  std::string large_;  // the one event that is larger than the whole buffer
  std::vector<Batch::Slot> index_;
  std::vector<Batch::Run> runs_;
  Ticket charge_;
};

// ---- details ----

struct Batch::Block {
  std::atomic<std::uint32_t> refs{1};
  std::uint32_t bytes = 0, events = 0, run_count = 0;
  bool single_lines = false;  // events lie one after the other, one '\n' each
  BatchInfo info;
  Ticket charge;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  Slot* index() { return reinterpret_cast<Slot*>(data() + (bytes + block_padding + 7) / 8 * 8); }
  Run* runs() {  // a Slot is 12 bytes, a Run wants 8
    return reinterpret_cast<Run*>(reinterpret_cast<char*>(index()) + (events * sizeof(Slot) + 7) / 8 * 8);
  }
};

template <typename F>
void Batch::for_each_run(F&& f) const {
  std::uint32_t at = 0;
  for (const Run& run : runs()) {
    const std::uint32_t from = std::max(at, first_), to = std::min(at + run.events, first_ + count_);
    if (from < to) f(receipts_ ? run.receipt : nullptr, to - from);
    at += run.events;
    if (at >= first_ + count_) break;
  }
}

}  // namespace weir
