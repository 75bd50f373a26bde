#pragma once
/// The offset up to which one partition may be committed: ranges settle in any order, and the offset never moves over a
/// gap.
///
///   settled_to = the end of the last range before which every range has settled
///
/// Offsets that are not there (compacted away, transaction markers) lie inside or between ranges and need not settle.
/// Kafka's rule: what is committed is the next offset to read.
///
/// Thread: a value; its owner guards it. Cost: take and settle O(1), amortised. Memory: 24 bytes for each open range.
#include <cstddef>
#include <cstdint>
#include <deque>

namespace weir::kafka {

inline constexpr std::int64_t unknown_offset = -1;

class Offsets {
 public:
  using Number = std::uint64_t;

  /// Reading begins at `next`, and everything before it is settled; unknown: wherever the first range begins.
  /// Ranges of before are forgotten, and settling them does nothing.
  void begin(std::int64_t next);
  /// What has been read: [from, to), the first of it written at `written_ms`.
  Number take(std::int64_t from, std::int64_t to, std::int64_t written_ms);
  void settle(Number number);
  /// Between what was read and `next` there is nothing to read, now or ever: control records of transactions, what was
  /// compacted away. Settled with the last range before it.
  void nothing_until(std::int64_t next);

  std::int64_t next() const { return next_; }
  std::int64_t settled_to() const { return settled_to_; }
  /// Ranges that have not settled, or stand behind one that has not.
  std::size_t open() const { return ranges_.size(); }
  /// When the oldest event that has not settled was written, in ms of Unix time; with nothing open, the last one that
  /// has. 0: nothing was read.
  std::int64_t oldest_ms() const { return ranges_.empty() ? last_ms_ : ranges_.front().written_ms; }

 private:
  struct Range {
    std::int64_t to, written_ms;
    bool settled;
  };
  std::deque<Range> ranges_;
  Number first_ = 0;  // of ranges_.front()
  std::int64_t next_ = unknown_offset, settled_to_ = unknown_offset, last_ms_ = 0;
};

}  // namespace weir::kafka
