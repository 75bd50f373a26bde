#include "input_lines.h"

#include <weir/component/text_start.h>

#include <cstring>

namespace weir::file {

Lines find_lines(std::span<const char> data, bool is_last, std::size_t max_event, std::size_t most,
                 std::vector<Batch::Slot>& index) {
  index.clear();
  std::size_t at = 0;
  while (at < data.size() && index.size() < most) {
    const auto begin = at + zeros_at({data.data() + at, data.size() - at});
    if (begin == data.size()) break;
    at = begin;
    const auto* const end = static_cast<const char*>(std::memchr(data.data() + at, '\n', data.size() - at));
    const auto length = end ? static_cast<std::size_t>(end - data.data()) - at : data.size() - at;
    if (length > max_event) return {at, at == 0};
    if (!end && !is_last) break;
    const auto text = length > 0 && data[at + length - 1] == '\r' ? length - 1 : length;
    if (text > 0)
      index.push_back(
          {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text), static_cast<std::uint32_t>(index.size())});
    at += length + (end ? 1 : 0);
  }
  return {at, false};
}

}  // namespace weir::file
