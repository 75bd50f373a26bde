#include "journal/scan.h"

#include <algorithm>
#include <cstring>

namespace weir::journal {

SegmentScan::SegmentScan(std::unique_ptr<File> file, std::uint64_t number, std::uint64_t epoch, Bytes read_ahead,
                         Bytes largest_record)
    : file_(std::move(file)),
      number_(number),
      epoch_(epoch),
      read_ahead_(read_ahead.count()),
      largest_(largest_record.count()) {}

/// At least n bytes from `offset` on, or fewer if the limit or the file ends before.
Result<std::string_view> SegmentScan::bytes(std::uint64_t offset, std::size_t n, std::uint64_t limit) {
  const std::uint64_t wanted = std::min(offset + n, limit);
  if (offset < begin_ || wanted > end_) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(n, read_ahead_), limit - offset));
    if (buffer_.size() < most) buffer_.resize(most);
    begin_ = end_ = offset;
    const auto got = file_->read(std::span(buffer_.data(), most), offset);
    if (!got) return std::unexpected(got.error());
    end_ = offset + *got;
  }
  const auto skip = static_cast<std::size_t>(offset - begin_);
  const auto there = static_cast<std::size_t>(std::min(end_, limit) - std::min(offset, std::min(end_, limit)));
  return std::string_view(buffer_.data() + skip, there);
}

Result<std::optional<RecordView>> SegmentScan::at(std::uint64_t offset, std::uint64_t limit) {
  if (offset + sizeof(RecordHeader) > limit) return std::nullopt;
  auto head = bytes(offset, sizeof(RecordHeader), limit);
  if (!head) return std::unexpected(head.error());
  const std::size_t size = claimed_size(*head, epoch_);
  if (size == 0 || size > largest_ || offset + size > limit) return std::nullopt;
  auto whole = bytes(offset, size, limit);
  if (!whole) return std::unexpected(whole.error());
  return parse_record(*whole, epoch_);
}

std::uint64_t SegmentScan::broken_at(std::uint64_t offset, std::uint64_t limit, std::uint64_t sequence) {
  if (offset + sizeof(RecordHeader) > limit) return 0;
  const auto head = bytes(offset, sizeof(RecordHeader), limit);
  if (!head || head->size() < sizeof(RecordHeader)) return 0;
  RecordHeader header;
  std::memcpy(&header, head->data(), sizeof header);
  const int signs = (header.magic == record_magic) + (header.epoch == epoch_) + (header.sequence == sequence);
  if (signs < 2) return 0;
  return std::min<std::uint64_t>(record_size(header.bytes, header.events, header.attributes), limit - offset);
}

Result<std::optional<std::uint64_t>> SegmentScan::next_good(std::uint64_t from, std::uint64_t limit) {
  // Records begin at multiples of 8, behind the segment's header.
  auto offset = std::max<std::uint64_t>(segment_header_size, (from / record_alignment + 1) * record_alignment);
  while (offset + sizeof(RecordHeader) <= limit) {
    auto some = bytes(offset, read_ahead_, limit);
    if (!some) return std::unexpected(some.error());
    if (some->size() < sizeof(RecordHeader)) break;
    // Nothing here may point into the buffer after `at`: it reads again where a record is cut by the buffer's end.
    std::size_t skip = 0;
    const std::size_t last = some->size() - sizeof(RecordHeader);
    while (skip <= last && claimed_size(some->substr(skip), epoch_) == 0) skip += record_alignment;
    offset += skip;
    if (skip > last) continue;
    const auto record = at(offset, limit);
    if (!record) return std::unexpected(record.error());
    if (*record) return offset;
    offset += record_alignment;
  }
  return std::nullopt;
}

Result<Tail> find_tail(SegmentScan& scan, std::uint64_t first_sequence, std::uint64_t limit) {
  Tail tail{.end = {first_sequence, scan.number(), segment_header_size}};
  // The tail before the first unreadable place, as long as no later record shows that that place had been synced.
  std::optional<Tail> doubtful;
  for (std::uint64_t offset = segment_header_size;;) {
    const auto record = scan.at(offset, limit);
    if (!record) return std::unexpected(record.error());
    if (*record && (*record)->header.sequence >= tail.end.sequence) {
      const auto& header = (*record)->header;
      if (doubtful && header.durable > doubtful->end.sequence) {
        ++tail.damaged;
        doubtful.reset();
      }
      offset += (*record)->size;
      tail.end = {(*record)->end(), scan.number(), offset};
      tail.newest_wall = header.received_wall;
      continue;
    }
    const auto next = scan.next_good(offset, limit);
    if (!next) return std::unexpected(next.error());
    if (!*next) {
      tail.torn_bytes = scan.broken_at(offset, limit, tail.end.sequence);
      break;
    }
    if (!doubtful) doubtful = tail;
    offset = **next;
  }
  if (doubtful) {
    doubtful->damaged = tail.damaged;
    doubtful->torn_bytes = tail.end.offset - doubtful->end.offset;
    return *doubtful;
  }
  return tail;
}

}  // namespace weir::journal
