#pragma once
/// What may stand in front of text and is no part of it. Left there it would make an event no JSON.
///
///   a byte order mark   Windows writes it before UTF-8, at the beginning of a file, body or connection
///   zeros               the hole that copytruncate leaves in front of a line: its writer goes on where it was
///
/// Thread: functions. Cost: zeros 8 bytes at a time. Ref: RFC 3629, section 6.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir {

inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// How many bytes of it `text` begins with: all of them, or none.
constexpr std::size_t byte_order_mark_at(std::string_view text) {
  return text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
}

/// How many zeros `text` begins with.
inline std::size_t zeros_at(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if (eight != 0) break;
  }
  while (at < text.size() && text[at] == '\0') ++at;
  return at;
}

}  // namespace weir
