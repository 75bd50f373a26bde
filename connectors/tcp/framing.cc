#include "framing.h"

#include <weir/component/text_start.h>

#include <algorithm>
#include <cstring>

namespace weir::tcp {

void Framer::scan(std::string_view bytes, Frames& found) {
  found.index.clear();
  found.consumed = found.too_large = found.malformed = 0;
  found.broken = false;
  switch (framing_) {
    case Framing::newline: return scan_lines(bytes, found);
    case Framing::length: return scan_lengths(bytes, found);
    case Framing::octets: return scan_octets(bytes, found);
  }
}

void Framer::scan_lines(std::string_view bytes, Frames& found) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* line = begin + (at_start_ ? byte_order_mark_at(bytes) : 0);
  const char* from = std::max(line, begin + looked_at_);
  while (const void* feed = from < end ? std::memchr(from, '\n', static_cast<std::size_t>(end - from)) : nullptr) {
    const char* const at = static_cast<const char*>(feed);
    if (!skipping_) line += zeros_at({line, static_cast<std::size_t>(at - line)});
    auto length = static_cast<std::size_t>(at - line);
    if (length > 0 && at[-1] == '\r') --length;
    if (skipping_)
      skipping_ = false;
    else if (length > max_)
      ++found.too_large;
    else if (length > 0)
      found.index.push_back({static_cast<std::uint32_t>(line - begin), static_cast<std::uint32_t>(length), 0});
    line = from = at + 1;
  }
  if (!skipping_) line += zeros_at({line, static_cast<std::size_t>(end - line)});
  if (!skipping_ && static_cast<std::size_t>(end - line) > max_ + 1) {  // 1: it may still be a '\r' before its '\n'
    ++found.too_large;
    skipping_ = true;
  }
  found.consumed = skipping_ ? bytes.size() : static_cast<std::size_t>(line - begin);
  looked_at_ = bytes.size() - found.consumed;
  if (found.consumed > 0) at_start_ = false;
}

void Framer::scan_lengths(std::string_view bytes, Frames& found) const {
  std::size_t at = 0;
  while (bytes.size() - at >= 4) {
    std::uint32_t length = 0;
    for (int i = 0; i < 4; ++i)
      length = length << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    if (length > max_) {
      ++found.too_large;
      found.broken = true;
      break;
    }
    if (bytes.size() - at - 4 < length) break;
    if (length > 0) found.index.push_back({static_cast<std::uint32_t>(at + 4), length, 0});
    at += 4 + length;
  }
  found.consumed = at;
}

void Framer::scan_octets(std::string_view bytes, Frames& found) const {
  constexpr std::size_t most_digits = 8;  // of the largest max_event, 16 MiB
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto head = bytes.substr(at, most_digits + 1);
    std::size_t length = 0, digits = 0;
    for (; digits < head.size() && head[digits] >= '0' && head[digits] <= '9'; ++digits)
      length = length * 10 + static_cast<std::size_t>(head[digits] - '0');
    const bool ended = digits < head.size();
    const bool wrong = head[0] == '0' || digits > most_digits || (ended && (digits == 0 || head[digits] != ' '));
    if (wrong || (ended && length > max_)) {
      ++(wrong ? found.malformed : found.too_large);
      found.broken = true;
      break;
    }
    if (!ended || bytes.size() - at - digits - 1 < length) break;
    found.index.push_back({static_cast<std::uint32_t>(at + digits + 1), static_cast<std::uint32_t>(length), 0});
    at += digits + 1 + length;
  }
  found.consumed = at;
}

std::array<char, 4> length_prefix(std::uint32_t length) {
  std::array<char, 4> prefix{};
  for (std::size_t i = 0; i < 4; ++i) prefix[i] = static_cast<char>(length >> (24 - 8 * i));
  return prefix;
}

}  // namespace weir::tcp
