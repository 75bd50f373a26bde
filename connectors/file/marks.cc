#include "marks.h"

#include <algorithm>

namespace weir::file {

void Marks::add(const Mark& mark) {
  if (used_ == most) std::ranges::rotate(marks_, marks_.begin() + 1);
  used_ = std::min(used_ + 1, most);
  marks_[used_ - 1] = mark;
}

void Marks::note(std::uint64_t end, std::string_view text) {
  text = text.substr(text.size() - std::min<std::size_t>(text.size(), FileId::longest));
  if (!text.empty()) add({end, hash_on(hash_start, text), static_cast<std::uint32_t>(text.size())});
}

std::expected<void, int> Marks::note(const InputFile& file, std::uint64_t end) {
  const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(end, FileId::longest));
  const auto hash = file.hash_before(end, length);
  if (!hash) return std::unexpected(hash.error());
  if (length > 0) add({end, *hash, length});
  return {};
}

std::expected<std::uint64_t, int> Marks::shared_with(const InputFile& copy, std::uint64_t size) const {
  std::uint64_t shared = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    const Mark& mark = marks_[i];
    if (mark.end > size) continue;
    const auto hash = copy.hash_before(mark.end, mark.length);
    if (!hash) return std::unexpected(hash.error());
    if (*hash != mark.hash) return 0;
    shared = std::max(shared, mark.end);
  }
  return shared;
}

}  // namespace weir::file
