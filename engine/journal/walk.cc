#include "journal/walk.h"

#include <algorithm>

namespace weir::journal {

Result<SegmentScan> scan_of(Disk& disk, const std::string& folder, const JournalId& journal, std::uint64_t segment,
                            const ReadLimits& limits) {
  auto file = disk.open(folder + "/" + numbered(segment, "segment"), Disk::Open::read);
  if (!file) return std::unexpected(file.error());
  return SegmentScan(std::move(*file), segment, epoch_of(journal, segment), limits.read_ahead, limits.largest_record);
}

Walk::Walk(Disk& disk, std::string folder, Recovered found, std::uint64_t from, ReadLimits limits)
    : disk_(disk),
      folder_(std::move(folder)),
      journal_(found.id),
      segments_(std::move(found.segments)),
      limits_(limits),
      expected_(from) {}

bool Walk::still_there(std::uint64_t number) const {
  const auto names = disk_.list(folder_);
  return !names || std::ranges::binary_search(*names, numbered(number, "segment"));
}

void Walk::lost(std::uint64_t upto, std::uint64_t end_offset) {
  const Segment& segment = segments_[at_];
  const std::uint64_t from = damaged_from_.value_or(end_offset);
  holes_.push_back(
      {segment.number, from, end_offset - from, expected_, upto - expected_, !still_there(segment.number)});
  damaged_from_.reset();
  expected_ = upto;
}

/// False: there is none left.
Result<bool> Walk::open_segment() {
  for (; at_ < segments_.size(); ++at_) {
    const Segment& segment = segments_[at_];
    if (segment.end <= segment.first || segment.end <= expected_) continue;
    if (!begun_) expected_ = std::max(expected_, segment.first);
    begun_ = true;
    offset_ = segment_header_size;
    auto scan = scan_of(disk_, folder_, journal_, segment.number, limits_);
    if (scan) {
      scan_ = std::move(*scan);
      return true;
    }
    if (still_there(segment.number)) return std::unexpected(scan.error());
    lost(segment.end, offset_);
  }
  return false;
}

Result<void> Walk::step_over() {
  const Segment& segment = segments_[at_];
  const auto next = scan_->next_good(offset_, segment.limit);
  if (!next) return std::unexpected(next.error());
  if (!damaged_from_ && (*next || scan_->broken_at(offset_, segment.limit, expected_))) damaged_from_ = offset_;
  if (*next) {
    offset_ = **next;
    return {};
  }
  if (damaged_from_) offset_ += scan_->broken_at(offset_, segment.limit, expected_);
  if (expected_ < segment.end) lost(segment.end, offset_);
  damaged_from_.reset();
  scan_.reset();
  ++at_;
  return {};
}

Result<std::optional<RecordView>> Walk::next() {
  for (;;) {
    if (!scan_) {
      const auto opened = open_segment();
      if (!opened) return std::unexpected(opened.error());
      if (!*opened) return std::nullopt;
    }
    const Segment& segment = segments_[at_];
    const auto record = scan_->at(offset_, segment.limit);
    if (!record) return std::unexpected(record.error());
    if (!*record) {
      if (auto r = step_over(); !r) return std::unexpected(r.error());
      continue;
    }
    const std::uint64_t first = (*record)->header.sequence;
    if (first >= segment.end) {  // void from here on: a later segment says so
      if (expected_ < segment.end) lost(segment.end, offset_);
      damaged_from_.reset();
      scan_.reset();
      ++at_;
      continue;
    }
    if (first > expected_ || damaged_from_) lost(std::max(first, expected_), offset_);
    record_offset_ = offset_;
    offset_ += (*record)->size;
    if ((*record)->end() <= expected_) continue;
    expected_ = (*record)->end();
    return record;
  }
}

}  // namespace weir::journal
