#include <weir/base/json_text.h>
#include <weir/base/terminal_text.h>

#include <array>
#include <cstdint>

namespace weir {
namespace {

struct Range {
  char32_t first, last;
};
// Characters that are invisible, or that change how the characters around them are shown, in ascending order.
constexpr std::array hidden{
    Range{0x80, 0x9f},       // C1: 0x9b begins an escape sequence in one byte
    Range{0xad, 0xad},       // soft hyphen
    Range{0x61c, 0x61c},     // Arabic letter mark
    Range{0x180e, 0x180e},   // Mongolian vowel separator
    Range{0x200b, 0x200b},   // zero width space; the joiners behind it are needed to write some languages
    Range{0x200e, 0x200f},   // left-to-right and right-to-left mark
    Range{0x2028, 0x202e},   // line and paragraph separator, embeddings, overrides
    Range{0x2060, 0x206f},   // invisible operators, isolates
    Range{0xfeff, 0xfeff},   // byte order mark
    Range{0xfff9, 0xfffb},   // annotations
    Range{0xe0000, 0xe007f}  // tags
};

bool is_hidden(char32_t c) {
  for (const Range& range : hidden)
    if (c >= range.first && c <= range.last) return true;
  return false;
}

char32_t decoded(std::string_view character) {
  static constexpr std::array<unsigned, 5> lead_bits{0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t c = static_cast<std::uint8_t>(character[0]) & lead_bits[character.size()];
  for (const char byte : character.substr(1)) c = c << 6 | (static_cast<std::uint8_t>(byte) & 0x3f);
  return c;
}

void append_hex(std::string& out, char32_t value, int least_digits) {
  static constexpr char digits[] = "0123456789abcdef";
  int n = least_digits;
  while (n < 8 && value >> (4 * n) != 0) ++n;
  while (n-- > 0) out += digits[value >> (4 * n) & 15];
}

void append_byte(std::string& out, char byte) {
  if (byte == '\t') {
    out += byte;
  } else if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\r') {
    out += "\\r";
  } else {
    out += "\\x";
    append_hex(out, static_cast<std::uint8_t>(byte), 2);
  }
}

bool is_plain(char byte) { return byte >= 0x20 && byte < 0x7f; }

}  // namespace

void append_terminal_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && is_plain(text[run])) ++run;
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const auto length = utf8_length(text);
    if (length <= 1) {
      append_byte(out, text.front());
      text.remove_prefix(1);
      continue;
    }
    if (const auto c = decoded(text.substr(0, length)); is_hidden(c)) {
      out += "\\u{";
      append_hex(out, c, 1);
      out += '}';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
}

std::string terminal_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_terminal_text(out, text);
  return out;
}

}  // namespace weir
