#include "journal/disk_inode_for_test.h"

#include <weir/base/result.h>

#include <algorithm>
#include <utility>

namespace weir::journal {
namespace {

using Change = Inode::Change;

void put(std::string& content, std::string_view bytes, std::uint64_t offset) {
  if (bytes.empty()) return;
  content.resize(std::max<std::size_t>(content.size(), offset + bytes.size()));
  std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
}

void carry_out(std::string& content, const Change& change) {
  if (change.kind == Change::Kind::write) return put(content, change.bytes, change.offset);
  content.resize(change.offset);
}

// The length of a file is kept apart from its bytes: it may have arrived without them.
void tear(std::string& content, const Change& change, Rng& rng) {
  if (change.kind != Change::Kind::write) return;
  const std::uint64_t end = change.offset + change.bytes.size();
  if (rng.below(2) == 0) content.resize(std::max<std::size_t>(content.size(), end));
  for (auto at = change.offset; at < end;) {
    const auto next = std::min(end, (at / Inode::sector + 1) * Inode::sector);
    if (rng.below(2) == 0) put(content, std::string_view(change.bytes).substr(at - change.offset, next - at), at);
    at = next;
  }
}

std::uint64_t sectors_of(std::uint64_t length) { return (length + Inode::sector - 1) / Inode::sector; }

/// The sectors that a change asks room for.
std::pair<std::uint64_t, std::uint64_t> asked(const Change& change) {
  if (change.kind == Change::Kind::allocate) return {0, sectors_of(change.offset)};
  if (change.kind == Change::Kind::truncate || change.bytes.empty()) return {0, 0};
  return {change.offset / Inode::sector, sectors_of(change.offset + change.bytes.size())};
}

}  // namespace

Arrival::Arrival(std::size_t n, LossMode mode, Rng& rng)
    : mode_(mode), rng_(rng), in_order_(rng.below(2) == 0), point_(rng.below(n + 1)), chance_(rng.uniform()) {}

Arrival::Fate Arrival::next() {
  const auto at = at_++;
  if (mode_ != LossMode::random) return mode_ == LossMode::everything ? Fate::whole : Fate::lost;
  if (in_order_) return at < point_ ? Fate::whole : at == point_ ? Fate::torn : Fate::lost;
  if (rng_.uniform() < chance_) return Fate::whole;
  return rng_.below(2) == 0 ? Fate::torn : Fate::lost;
}

Inode::Inode(std::string durable)
    : durable_(std::move(durable)), current_(durable_), sectors_(sectors_of(durable_.size()), true) {}

void Inode::change(Change change) {
  const auto [from, to] = asked(change);
  if (change.kind != Change::Kind::write) sectors_.resize(std::min(sectors_.size(), sectors_of(change.offset)));
  if (sectors_.size() < to) sectors_.resize(to);
  for (auto at = from; at < to; ++at) sectors_[at] = true;
  carry_out(current_, change);
  pending_.push_back(std::move(change));
}

void Inode::sync() {
  for (const auto& change : pending_) carry_out(durable_, change);
  pending_.clear();
}

std::string Inode::after_loss(LossMode mode, Rng& rng) const {
  auto content = durable_;
  Arrival arrival(pending_.size(), mode, rng);
  for (const auto& change : pending_) {
    const auto fate = arrival.next();
    if (fate == Arrival::Fate::whole) carry_out(content, change);
    if (fate == Arrival::Fate::torn) tear(content, change, rng);
  }
  return content;
}

std::uint64_t Inode::room() const { return sector * static_cast<std::uint64_t>(std::ranges::count(sectors_, true)); }

std::uint64_t Inode::more_room_for(const Change& change) const {
  const auto [from, to] = asked(change);
  std::uint64_t missing = 0;
  for (auto at = from; at < to; ++at) missing += at >= sectors_.size() || !sectors_[at];
  return sector * missing;
}

void Inode::flip(std::uint64_t byte, unsigned bit) {
  WEIR_CHECK(byte < current_.size() && bit < 8);
  const auto turn = [&](std::string& bytes, std::uint64_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
  };
  turn(current_, byte);
  if (byte < durable_.size()) turn(durable_, byte);
  for (auto& change : pending_) {
    if (byte >= change.offset && byte - change.offset < change.bytes.size()) turn(change.bytes, byte - change.offset);
  }
}

}  // namespace weir::journal
