#pragma once
/// One batch as it lies in a segment (FORMAT.md): a header, the text of its events, how long each is, where they were
/// read.
///
/// The header carries the epoch of its segment (segment.h), so that neither old records in a reused file nor an event
/// that looks like a record is ever taken for one; a CRC32C over everything else; and `durable`, how far the log had
/// been synced when it was written: a broken record before that is damage, after it a torn tail.
///
/// Thread: values. Cost: encode one copy and one pass of CRC32C (about 0.05 ns a byte); parse one pass of CRC32C.
/// Memory: what the caller gives.
#include <weir/component/batch.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "journal/attributes.h"

namespace weir::journal {

struct RecordHeader {
  std::uint32_t magic, crc;
  std::uint64_t epoch;     ///< of the segment it was written to
  std::uint64_t sequence;  ///< of its first event; events count through the whole journal, from 1
  std::uint32_t events, bytes;
  std::int64_t received_wall;  ///< nanoseconds since 1970
  std::uint64_t first_id;
  std::uint64_t durable;  ///< every event before this one was on the disk when the record was written
  std::uint8_t priority, flags;
  std::uint16_t zero;
  std::uint32_t attributes;  ///< bytes of attributes behind the index (attributes.h)
};
static_assert(sizeof(RecordHeader) == 64);

struct RecordIndex {
  std::uint32_t length, number;  ///< its id is first_id + number
};

inline constexpr std::uint32_t record_magic = 0x43455257;  // "WREC"
inline constexpr std::uint8_t flag_one_line_each = 1, flag_dead_letter = 2;
inline constexpr std::size_t record_alignment = 8;

/// What a record of so much text and so many events takes on the disk.
constexpr std::size_t record_size(std::uint64_t bytes, std::uint64_t events, std::uint64_t attributes = 0) {
  const auto size = sizeof(RecordHeader) + bytes + events * sizeof(RecordIndex) + attributes;
  return (size + record_alignment - 1) / record_alignment * record_alignment;
}
/// The text is the events, each ended by '\n'.
inline std::size_t record_size(const Batch& batch) {
  return record_size(batch.load().bytes.count() + batch.size(), batch.size(), attributes_size(batch));
}

struct RecordStamp {
  std::uint64_t epoch, sequence, durable;
};
/// Writes the record of this batch to `to`, which has room for record_size(batch).
void encode_record(const Batch& batch, const RecordStamp& stamp, std::span<char> to);

/// A record in a buffer that outlives it.
struct RecordView {
  RecordHeader header;
  std::string_view text;
  const char* index;  ///< `events` RecordIndex, not aligned
  std::string_view attributes;
  std::size_t size;  ///< on the disk
  std::uint64_t end() const { return header.sequence + header.events; }
  RecordIndex entry(std::uint32_t i) const;
  BatchInfo info(TimePoint now) const;
  /// The index of its text, behind what `index` has; `shift` is added to the numbers.
  void append_to(std::vector<Batch::Slot>& index, std::uint32_t shift = 0) const;
};

/// The record at the start of `from`, if it is whole, undamaged and of this epoch.
std::optional<RecordView> parse_record(std::string_view from, std::uint64_t epoch);
/// How long the record at the start says it is, if it can be one of this epoch; nothing of it has been checked. 0:
/// none.
std::size_t claimed_size(std::string_view from, std::uint64_t epoch);

std::uint32_t crc32c(std::string_view bytes);

}  // namespace weir::journal
