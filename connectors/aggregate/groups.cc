#include "groups.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::aggregate {

namespace {
std::size_t stride_of(const Folds& folds) {
  constexpr std::size_t line = alignof(std::max_align_t);
  return (sizeof(Groups::Group) + folds.state_bytes() + line - 1) / line * line;
}
std::uint32_t tag_of(const KeyHash& hash) { return static_cast<std::uint32_t>(hash.high); }
}  // namespace

Groups::Groups(const Folds& folds, std::size_t most)
    : folds_(&folds), most_(most), stride_(stride_of(folds)), index_(64) {
  add({});
}

/// The index is at most half full after it doubled, and both its sizes live for the moment of doubling.
Bytes Groups::bytes_each(const Folds& folds) { return Bytes(stride_of(folds) + 6 * sizeof(Slot)); }

std::size_t Groups::slot_of(const KeyHash& hash) {
  const auto mask = index_.size() - 1;
  auto slot = hash.low & mask;
  // The tag saves an access to the group itself, which is a cache miss.
  while (index_[slot].group != 0 && (index_[slot].tag != tag_of(hash) || group(index_[slot].group).hash != hash))
    slot = (slot + 1) & mask;
  return slot;
}

std::size_t Groups::find_or_add(const KeyReader& key, const KeyHash& hash) {
  const auto slot = slot_of(hash);
  if (index_[slot].group != 0) return index_[slot].group;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < key.size(); ++i) bytes += std::max<std::size_t>(key.raw(i).size(), 4) + 1;
  if (size_ > most_ || bytes > max_key_bytes) return 0;
  const auto made = add(hash);
  auto& group = this->group(made);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto raw = key.raw(i).empty() ? std::string_view("null") : key.raw(i);
    std::memcpy(group.key + group.key_bytes, raw.data(), raw.size());
    group.key_bytes += static_cast<std::uint32_t>(raw.size());
    group.key[group.key_bytes++] = '\n';
  }
  index_[slot] = {static_cast<std::uint32_t>(made), tag_of(hash)};
  if (2 * size_ > index_.size()) widen();
  return made;
}

std::size_t Groups::add(const KeyHash& hash) {
  if (size_ == pieces_.size() * step) {
    // The last piece is no larger than what is left of the limit, so no more is taken than is declared.
    const auto groups = std::min(step, most_ + 1 - size_);
    pieces_.push_back(std::make_unique<std::byte[]>(groups * stride_));
  }
  const auto made = size_++;
  auto& group = this->group(made);
  group.hash = hash;
  group.events = 0;
  group.key_bytes = 0;
  folds_->clear(state(made));
  return made;
}

void Groups::widen() {
  std::vector<Slot>(index_.size() * 2).swap(index_);
  for (std::size_t i = 1; i < size_; ++i) {
    const auto& hash = group(i).hash;
    index_[slot_of(hash)] = {static_cast<std::uint32_t>(i), tag_of(hash)};
  }
}

void Groups::clear() {
  size_ = 0;
  std::ranges::fill(index_, Slot{});
  add({});
}

}  // namespace weir::aggregate
