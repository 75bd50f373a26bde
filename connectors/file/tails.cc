#include "tails.h"

#include <algorithm>

namespace weir::file {
namespace {

std::uint32_t tail_length(std::uint64_t end) {
  return end == 0 ? 0 : static_cast<std::uint32_t>((end - 1) % Tails::block + 1);
}

}  // namespace

std::expected<std::uint64_t, int> Tails::look(const InputFile& file, std::uint64_t end) {
  return file.hash_before(end, tail_length(end));
}

void Tails::note(const InputFile& file, std::uint64_t end, std::string_view text) {
  const auto length = tail_length(end);
  if (length == 0) return;
  const auto hash = text.size() >= length ? hash_on(hash_start, text.substr(text.size() - length))
                                          : look(file, end).value_or(unknown);
  if (tails_.size() == most) tails_.pop_back();
  tails_.push_back({end, hash});
}

void Tails::forget_before(std::uint64_t settled) {
  const auto first = std::ranges::find_if(tails_, [&](const Tail& tail) { return tail.end >= settled; });
  tails_.erase(tails_.begin(), first);
}

std::uint64_t Tails::of(std::uint64_t end) const {
  const auto found = std::ranges::find(tails_, end, &Tail::end);
  return found == tails_.end() ? unknown : found->hash;
}

std::expected<bool, int> Tails::newest_stands_in(const InputFile& file) const {
  if (tails_.empty() || tails_.back().hash == unknown) return false;
  const auto hash = look(file, tails_.back().end);
  if (!hash) return std::unexpected(hash.error());
  return *hash == tails_.back().hash;
}

}  // namespace weir::file
