#include "journal/reader.h"

#include <algorithm>

namespace weir::journal {

/// Its file may still be open, but it is lost to whoever stops here: who waits before it is told so now.
void Reader::leave_what_is_given_up() {
  if (!extent_ || extent_->number > log_.given_up()) return;
  record_.reset();
  extent_.reset();
  scan_.reset();
}

/// False: there is nothing to read.
Result<bool> Reader::find_segment() {
  for (int tries = 0;; ++tries) {
    extent_ = log_.extent_of(at_.sequence);
    if (!extent_) return false;
    if (scan_ && scan_->number() == extent_->number) return true;
    auto scan = log_.scan(extent_->number);
    if (!scan) {
      // It may have been given up since.
      const auto now = log_.extent_of(at_.sequence);
      if (now && now->number != extent_->number && tries < 100) continue;
      if (log_.has_lost(extent_->number)) {
        losses_.damaged += extent_->end - std::max(at_.sequence, extent_->first);
        losses_.gone += extent_->first - std::min(at_.sequence, extent_->first);
        at_.sequence = extent_->end;
        continue;
      }
      extent_.reset();
      return std::unexpected(scan.error());
    }
    scan_ = std::move(*scan);
    break;
  }
  if (extent_->first > at_.sequence) {
    losses_.gone += extent_->first - at_.sequence;
    at_.sequence = extent_->first;
  }
  if (at_.segment != extent_->number || at_.offset < segment_header_size) at_.offset = segment_header_size;
  at_.segment = extent_->number;
  const auto here = scan_->at(at_.offset, extent_->limit);
  if (!here) {
    extent_.reset();
    scan_.reset();
    return std::unexpected(here.error());
  }
  if (!*here || (*here)->header.sequence > at_.sequence) at_.offset = segment_header_size;
  return true;
}

/// False: there is no whole record behind it in this segment.
Result<bool> Reader::step_over_damage() {
  const auto next = scan_->next_good(at_.offset, extent_->limit);
  if (!next) return std::unexpected(next.error());
  log_.quarantine(*scan_, at_.offset, next->value_or(extent_->limit));
  if (*next) {
    at_.offset = **next;
    return true;
  }
  losses_.damaged += extent_->end - at_.sequence;
  at_.sequence = extent_->end;
  extent_.reset();
  return false;
}

Result<std::optional<RecordView>> Reader::next() {
  leave_what_is_given_up();
  if (record_) return record_;
  for (;;) {
    if (!extent_ || at_.offset >= extent_->limit || at_.sequence >= extent_->end) {
      const auto found = find_segment();
      if (!found) return std::unexpected(found.error());
      if (!*found) return std::nullopt;
    }
    const auto record = scan_->at(at_.offset, extent_->limit);
    if (!record) return std::unexpected(record.error());
    if (!*record || (*record)->header.sequence >= extent_->end) {
      // A segment that was given up meanwhile may hold other records now.
      const auto now = log_.extent_of(at_.sequence);
      if (!now || now->number != extent_->number) {
        extent_.reset();
        scan_.reset();
        continue;
      }
      if (at_.offset < now->limit && now->limit > extent_->limit) {
        extent_ = now;
        continue;
      }
      if (const auto over = step_over_damage(); !over) return std::unexpected(over.error());
      continue;
    }
    if ((*record)->end() <= at_.sequence) {
      at_.offset += (*record)->size;
      continue;
    }
    if ((*record)->header.sequence > at_.sequence) {
      losses_.damaged += (*record)->header.sequence - at_.sequence;
      at_.sequence = (*record)->header.sequence;
    }
    record_ = *record;
    return record_;
  }
}

void Reader::step() {
  at_.sequence = record_->end();
  at_.offset += record_->size;
  record_.reset();
}

}  // namespace weir::journal
