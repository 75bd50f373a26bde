#include "ranges.h"

#include <algorithm>

namespace weir::file {

Ranges::Range& Ranges::issue(WatchedFile& file, std::uint64_t begin, std::uint64_t end, std::uint32_t epoch,
                             bool large_line) {
  WEIR_CHECK(used_ < most);
  Range& range = at(used_++);
  range.file = &file;
  range.begin = begin;
  range.end = end;
  range.epoch = epoch;
  range.large_line = large_line;
  range.state_ = Range::State::flying;
  range.attempts_ = 0;
  range.receipt_.emplace(inbox_);
  range.receipt_->waiter = &range;
  bytes_ += range.end - range.begin;
  ++flying_;
  ++file.in_flight;
  return range;
}

void Ranges::collect(TimePoint now) {
  if (inbox_.collect([&](Receipt& receipt) { take(*static_cast<Range*>(receipt.waiter), now); })) moved_ = true;
}

void Ranges::take(Range& range, TimePoint now) {
  --flying_;
  const auto tally = range.receipt_->tally();
  const bool failed = tally.of(Fate::failed) + tally.of(Fate::abandoned) > 0;
  if (!failed || !keep_failed_) {
    range.state_ = Range::State::settled;
    return;
  }
  range.state_ = Range::State::again;
  range.due_ = now + std::min<Duration>(std::chrono::milliseconds(100) * (1 << std::min(range.attempts_, 10)),
                                        std::chrono::seconds(30));
  ++range.attempts_;
}

void Ranges::advance() {
  if (!std::exchange(moved_, false)) return;
  for (std::size_t i = 0; i < used_; ++i)
    if (at(i).file) at(i).file->blocked = false;
  for (std::size_t i = 0; i < used_; ++i) {
    Range& range = at(i);
    if (range.state_ == Range::State::free) continue;
    WatchedFile& file = *range.file;
    if (range.state_ != Range::State::settled) {
      if (range.epoch == file.epoch) file.blocked = true;
      continue;
    }
    const bool counts = range.epoch == file.epoch;
    if (counts && file.blocked) continue;
    if (counts) file.committed = range.end;
    --file.in_flight;
    bytes_ -= range.end - range.begin;
    range.file = nullptr;
    range.state_ = Range::State::free;
  }
  while (used_ > 0 && at(0).state_ == Range::State::free) {
    head_ = (head_ + 1) % most;
    --used_;
  }
}

Ranges::Range* Ranges::due(TimePoint now) {
  for (std::size_t i = 0; i < used_; ++i) {
    Range& range = at(i);
    if (range.state_ != Range::State::again || range.due_ > now) continue;
    range.state_ = Range::State::flying;
    ++flying_;
    range.receipt_.emplace(inbox_);
    range.receipt_->waiter = &range;
    return &range;
  }
  return nullptr;
}

void Ranges::postpone(Range& range, TimePoint when) {
  range.state_ = Range::State::again;
  range.due_ = when;
  --flying_;
}

void Ranges::give_up(Range& range) {
  range.state_ = Range::State::settled;
  --flying_;
  moved_ = true;
  advance();
}

}  // namespace weir::file
