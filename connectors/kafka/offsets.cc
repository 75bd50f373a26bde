#include "offsets.h"

namespace weir::kafka {

void Offsets::begin(std::int64_t next) {
  first_ += ranges_.size();
  ranges_.clear();
  next_ = settled_to_ = next;
  last_ms_ = 0;
}

Offsets::Number Offsets::take(std::int64_t from, std::int64_t to, std::int64_t written_ms) {
  if (settled_to_ == unknown_offset) settled_to_ = from;
  ranges_.push_back({to, written_ms, false});
  next_ = to;
  return first_ + ranges_.size() - 1;
}

void Offsets::nothing_until(std::int64_t next) {
  if (next <= next_) return;
  next_ = next;
  (ranges_.empty() ? settled_to_ : ranges_.back().to) = next;
}

void Offsets::settle(Number number) {
  if (number < first_ || number - first_ >= ranges_.size()) return;
  ranges_[static_cast<std::size_t>(number - first_)].settled = true;
  while (!ranges_.empty() && ranges_.front().settled) {
    settled_to_ = ranges_.front().to;
    last_ms_ = ranges_.front().written_ms;
    ranges_.pop_front();
    ++first_;
  }
}

}  // namespace weir::kafka
