#include "memory.h"

#include <bit>

namespace weir::dedupe {

Memory::Memory(std::size_t most, Duration window) : window_(window), ring_(most), index_(slots_for(most)) {}

std::size_t Memory::slots_for(std::size_t most) { return std::bit_ceil(2 * most); }

Bytes Memory::bytes_of(std::size_t most) {
  return Bytes(most * sizeof(Entry) + slots_for(most) * sizeof(std::uint32_t));
}

/// Where the key is, or where it would be put. The index is at most half full, so there always is a free slot.
std::size_t Memory::slot_of(const KeyHash& key) const {
  auto slot = home(key);
  while (index_[slot] != 0 && ring_[index_[slot] - 1].key != key) slot = (slot + 1) & (index_.size() - 1);
  return slot;
}

bool Memory::seen(const KeyHash& key, TimePoint now) {
  while (count_ > 0 && now - ring_[oldest_].since >= window_) forget_oldest();
  if (index_[slot_of(key)] != 0) return true;
  if (count_ == ring_.size()) {
    forget_oldest();
    ++forgotten_;
  }
  const auto place = (oldest_ + count_++) % ring_.size();
  ring_[place] = {key, now};
  index_[slot_of(key)] = static_cast<std::uint32_t>(place + 1);
  return false;
}

/// Linear probing without tombstones: what stood behind the gap moves into it if it may.
void Memory::forget_oldest() {
  const auto mask = index_.size() - 1;
  auto gap = slot_of(ring_[oldest_].key);
  for (auto next = (gap + 1) & mask; index_[next] != 0; next = (next + 1) & mask) {
    const auto wanted = home(ring_[index_[next] - 1].key);
    if (((next - wanted) & mask) < ((next - gap) & mask)) continue;
    index_[gap] = index_[next];
    gap = next;
  }
  index_[gap] = 0;
  oldest_ = (oldest_ + 1) % ring_.size();
  --count_;
}

}  // namespace weir::dedupe
