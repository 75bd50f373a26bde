#pragma once
/// Finds the records of one segment, and the next whole one behind damage.
///
/// Thread: one. Cost: one read per `read_ahead` bytes, one pass of CRC32C. Memory: read_ahead, or the largest record
/// that was met.
#include <optional>
#include <vector>

#include "journal/cursor.h"
#include "journal/record.h"
#include "journal/segment.h"

namespace weir::journal {

class SegmentScan {
 public:
  /// `epoch` is the segment's (segment.h): only its records count.
  SegmentScan(std::unique_ptr<File> file, std::uint64_t number, std::uint64_t epoch, Bytes read_ahead,
              Bytes largest_record);

  /// The record at `offset`, if it is whole, undamaged and ends by `limit`. It lives until the next call.
  Result<std::optional<RecordView>> at(std::uint64_t offset, std::uint64_t limit);
  /// The first place behind `from` where `at` finds one.
  Result<std::optional<std::uint64_t>> next_good(std::uint64_t from, std::uint64_t limit);
  /// How many bytes of a broken record are here that begins, or began, with this event; 0: none was written. Two of
  /// three signs are enough, so that one flipped bit does not hide it.
  std::uint64_t broken_at(std::uint64_t offset, std::uint64_t limit, std::uint64_t sequence);
  std::uint64_t number() const { return number_; }
  File& file() { return *file_; }

 private:
  Result<std::string_view> bytes(std::uint64_t offset, std::size_t n, std::uint64_t limit);

  std::unique_ptr<File> file_;
  std::uint64_t number_, epoch_;
  std::size_t read_ahead_, largest_;
  std::vector<char> buffer_;
  std::uint64_t begin_ = 0, end_ = 0;  // what of the file is in the buffer
};

/// How much of the last segment counts.
struct Tail {
  Position end;                  ///< behind the last event that counts
  std::uint64_t torn_bytes = 0;  ///< of records behind it that were never promised
  std::uint64_t damaged = 0;     ///< places where what had been synced cannot be read
  std::int64_t newest_wall = 0;  ///< of the last record that counts
};
/// Reads it all. What cannot be read but had been synced (a later record says so) is damage and stepped over; from the
/// first place on that was never promised, nothing counts.
Result<Tail> find_tail(SegmentScan& scan, std::uint64_t first_sequence, std::uint64_t limit);

}  // namespace weir::journal
