#include "pipeline/report/left.h"

#include <algorithm>

namespace weir::pipeline {

void IdRanges::add(std::uint64_t id) {
  if (!ranges_.empty() && id != 0 && ranges_.back().second == id - 1)  // ids count modulo 2^64: 0 begins a range
    ++ranges_.back().second;
  else
    ranges_.emplace_back(id, id);
}

void IdRanges::add(const IdRanges& other) { ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end()); }

/// Without overlaps, ascending.
std::vector<IdRanges::Range> IdRanges::sorted() const {
  std::vector<Range> all = ranges_, out;
  std::ranges::sort(all);
  for (const Range& range : all) {
    if (!out.empty() && range.first <= out.back().second)
      out.back().second = std::max(out.back().second, range.second);
    else
      out.push_back(range);
  }
  return out;
}

std::uint64_t IdRanges::count() const {
  std::uint64_t n = 0;
  for (const auto& [first, last] : sorted()) n += last - first + 1;
  return n;
}

std::uint64_t IdRanges::count_without(const IdRanges& others) const {
  IdRanges both = *this;
  both.add(others);
  return both.count() - others.count();
}

void Left::add(const Batch& batch, Remains remains, std::span<const Batch::Ending> moved) {
  std::uint32_t at = 0;
  batch.for_each_run([&](const Receipt* receipt, std::uint32_t n) {
    for (const std::uint32_t end = at + n; at < end; ++at) {
      if (!moved.empty() && moved.front().index == at) {
        moved = moved.subspan(1);
        continue;
      }
      ++events;
      if (!batch.carries_receipts())
        copies.add(batch.id(at));
      else if (!receipt)
        ++unanswered;
      else if (remains == Remains::with_sender)
        owed.add(batch.id(at));
      else
        ++on_disk;
    }
  });
}

Left& Left::operator+=(const Left& other) {
  events += other.events;
  unanswered += other.unanswered;
  on_disk += other.on_disk;
  merged += other.merged;
  owed.add(other.owed);
  copies.add(other.copies);
  return *this;
}

}  // namespace weir::pipeline
