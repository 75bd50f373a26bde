#pragma once
/// Reads the valid records of a journal without opening it as a log: for commands that change nothing. The order is
/// that of a reader; it skips what cannot be read and says what is missing.
///
/// The folder may belong to a running weir: then it may read events whose write is not committed yet, and segments
/// that are given up meanwhile are holes that say so.
///
/// Thread: one. Cost: one read per `read_ahead` bytes, one pass of CRC32C. Memory: read_ahead, or the largest record.
#include <optional>
#include <string>
#include <vector>

#include "journal/recovery.h"

namespace weir::journal {

struct ReadLimits {
  Bytes read_ahead = 256_KiB;
  Bytes largest_record = 20_MiB;
};

/// Events that should be there and are not.
struct Hole {
  std::uint64_t segment = 0, offset = 0;
  std::uint64_t bytes = 0;              ///< that cannot be read; 0: they are not there at all
  std::uint64_t first = 0, events = 0;  ///< sequences
  bool gone = false;                    ///< given up while it was read
};

class Walk {
 public:
  /// From the record in which event `from` lies, or from the oldest one.
  Walk(Disk& disk, std::string folder, Recovered found, std::uint64_t from, ReadLimits limits = {});

  /// The next record; it lives until the next call. Nothing: that was all.
  Result<std::optional<RecordView>> next();
  std::vector<Hole> take_holes() { return std::exchange(holes_, {}); }
  /// Where the last record lies.
  std::uint64_t segment() const { return segments_[at_].number; }
  std::uint64_t offset() const { return record_offset_; }

 private:
  Result<bool> open_segment();
  Result<void> step_over();
  void lost(std::uint64_t upto, std::uint64_t end_offset);
  bool still_there(std::uint64_t number) const;

  Disk& disk_;
  const std::string folder_;
  const JournalId journal_;
  const std::vector<Segment> segments_;
  const ReadLimits limits_;
  std::size_t at_ = 0;
  std::optional<SegmentScan> scan_;
  std::uint64_t offset_ = 0, record_offset_ = 0;
  std::uint64_t expected_;  // sequence
  bool begun_ = false;
  std::optional<std::uint64_t> damaged_from_;
  std::vector<Hole> holes_;
};

/// Of one segment alone.
Result<SegmentScan> scan_of(Disk& disk, const std::string& folder, const JournalId& journal, std::uint64_t segment,
                            const ReadLimits& limits);

}  // namespace weir::journal
