#pragma once
/// The state that the polling thread and the reactor share: messages that are handed over from one to the other, and
/// for each partition the offset up to which it is settled.
///
///   poll thread:  assign -> offer ... offer -> commits ...                      revoke -> wait_settled -> forget
///   reactor:                take -> is_current -> (the flow) -> settle
///
/// Each assignment, and each new beginning after a failure, is an epoch of its partition: what belongs to an earlier
/// one is not given any more, and when it settles nothing moves. So no offset is ever committed for a partition that
/// another consumer owns, or over messages that are to be read again.
///
/// Thread: any; one lock. Cost: one lock for each piece. Memory: what waits is bounded by the caller of offer; 96 bytes
/// for each partition ever assigned and 24 for each piece.
#include <weir/base/units.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client.h"
#include "offsets.h"

namespace weir::kafka {

using PartitionIndex = std::uint32_t;

/// Messages of one partition that follow each other.
struct MessageRun {
  PartitionIndex partition = 0;
  std::uint32_t epoch = 0;
  Offsets::Number number = 0;
  std::vector<Message> messages;
  Bytes bytes;
  Load load() const { return {messages.size(), bytes}; }
};

struct PartitionOffset {
  PartitionIndex index;
  std::string topic;
  std::int32_t partition;
  std::int64_t offset;
};

struct PartitionState {
  std::string topic;
  std::int32_t partition = 0;
  bool owned = false;
  std::int64_t settled_to = unknown_offset, oldest_ms = 0;
  std::size_t open = 0;
};

class Handoff {
 public:
  // ---- poll thread ----
  PartitionIndex index_of(std::string_view topic, std::int32_t partition);
  /// The partition is assigned. `next`: the committed offset, or unknown.
  void assign(PartitionIndex index, std::int64_t next);
  /// The offset expected next; unknown before the first message.
  std::int64_t next(PartitionIndex index) const;
  /// Messages of offsets from next() on, in order.
  void offer(PartitionIndex index, std::vector<Message> messages, Bytes bytes);
  Load waiting() const;
  /// Until something has settled; or that long.
  void wait(std::chrono::milliseconds most);
  /// Until at most this waits, something has to be read again, or `wake`; false: that long. Taking fewer pieces causes
  /// no wake-up: a wake-up costs as much as the messages of a piece do.
  bool wait_for_room(Load left, std::chrono::milliseconds most);
  /// Nothing more of these partitions is given; messages that wait are discarded.
  void revoke(std::span<const PartitionIndex> indexes);
  /// Everything of these that was given has settled.
  bool settled(std::span<const PartitionIndex> indexes) const;
  /// The partition is not assigned any more.
  void forget(std::span<const PartitionIndex> indexes);
  /// What may be committed and is not yet; of all that are ours.
  std::vector<PartitionOffset> commits() const;
  void committed(std::string_view topic, std::int32_t partition, std::int64_t offset);
  /// Those of which something failed: reading must begin again at their offset. What is offered of them is dropped
  /// until that is `rewound`; a new epoch.
  std::vector<PartitionOffset> to_rewind();
  void rewound(PartitionIndex index);
  /// The end was reached: there is nothing to read before `next` any more (Offsets::nothing_until).
  void reached_end(PartitionIndex index, std::int64_t next);
  /// All that waits goes, and nothing is given any more.
  void close();

  // ---- reactor ----
  /// What has waited longest, but for partitions that wait to be tried again.
  std::optional<MessageRun> take(TimePoint now);
  bool is_current(const MessageRun& run) const;
  /// The piece was taken and not given to the flow: the next owner of its partition reads it again.
  void give_back(const MessageRun& run);
  /// Everything of a piece that was taken has its fate. Failed: it is read again, and given after 100 ms to 30 s.
  void settle(PartitionIndex index, std::uint32_t epoch, Offsets::Number number, bool failed, TimePoint now);
  /// Pieces that were taken and have not settled.
  std::size_t given() const;

  std::vector<PartitionState> states() const;
  PartitionState state(PartitionIndex index) const;
  /// Any thread: ends a wait for room.
  void wake();
  /// Called on the poll thread when something waits and nothing did.
  std::function<void()> on_run;

 private:
  struct Partition {
    std::string topic;
    std::int32_t id = 0;
    std::uint32_t epoch = 0;
    bool owned = false, giving = false;
    Offsets offsets;
    std::int64_t committed = unknown_offset;
    std::size_t given = 0;  // of this epoch
    bool rewind = false, rewinding = false;
    TimePoint held_until{};
    int failures = 0;
  };
  static PartitionState state_of(const Partition& p);
  void drop_waiting(PartitionIndex index);
  bool may_go_on() const { return woken_ || closed_ || !room_wanted_ || load_.fits_in(*room_wanted_); }
  bool holds(const MessageRun& run, TimePoint now) const { return partitions_[run.partition].held_until > now; }

  mutable std::mutex mutex_;
  std::condition_variable moved_, room_;
  std::optional<Load> room_wanted_;  // by who waits for it
  bool woken_ = false;
  std::vector<Partition> partitions_;
  std::deque<MessageRun> waiting_;
  Load load_;
  std::size_t given_ = 0;
  bool closed_ = false;
};

}  // namespace weir::kafka
