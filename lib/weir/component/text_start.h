#pragma once
/// What may stand in front of text and is no part of it: the byte order mark that Windows writes before UTF-8. Left
/// there it would make the first event of each file, body or connection no JSON.
///
/// Thread: a function. Cost: none to speak of. Ref: RFC 3629, section 6.
#include <cstddef>
#include <string_view>

namespace weir {

inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// How many bytes of it `text` begins with: all of them, or none.
constexpr std::size_t byte_order_mark_at(std::string_view text) {
  return text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
}

}  // namespace weir
