#include <weir/component/expression/json_string.h>

#include <charconv>
#include <cstring>

namespace weir {
namespace {

constexpr std::string_view letters = "\"\\/nrtbf", values = "\"\\/\n\r\t\b\f";

bool read_hex4(std::string_view raw, std::size_t& at, std::uint32_t& code) {
  const auto digits = raw.substr(at, 4);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (digits.size() < 4 || error != std::errc{} || end != digits.data() + 4) return false;
  at += 4;
  return true;
}

/// `at` stands behind the u.
bool read_code_point(std::string_view raw, std::size_t& at, std::uint32_t& code) {
  if (!read_hex4(raw, at, code)) return false;
  if (code < 0xd800 || code > 0xdfff) return true;
  std::uint32_t low = 0;
  if (code > 0xdbff || raw.substr(at, 2) != "\\u" || !read_hex4(raw, at += 2, low)) return false;
  if (low < 0xdc00 || low > 0xdfff) return false;
  code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

/// Whether one of eight bytes has to be escaped: below a space, a quote or a backslash.
bool any_escaped(const char* bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101u, highs = ones << 7;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, 8);
  const auto quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
  return (((word - ones * 0x20) | (quote - ones) | (slash - ones)) & ~word & highs) != 0;
}

}  // namespace

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

bool unescape_json(std::string_view raw, std::string& out) {
  for (std::size_t at = 0; at < raw.size();) {
    const auto escape = std::min(raw.find('\\', at), raw.size());
    out.append(raw, at, escape - at);
    if (escape + 1 >= raw.size()) return escape == raw.size();
    const char c = raw[escape + 1];
    at = escape + 2;
    if (c == 'u') {
      std::uint32_t code = 0;
      if (!read_code_point(raw, at, code)) return false;
      append_utf8(out, code);
    } else if (const auto found = letters.find(c); found != letters.npos) {
      out.push_back(values[found]);
    } else {
      return false;
    }
  }
  return true;
}

bool has_json_escapes_only(std::string_view raw) {
  for (auto at = raw.find('\\'); at != raw.npos; at = raw.find('\\', at)) {
    const char c = at + 1 < raw.size() ? raw[at + 1] : '\0';
    at += 2;
    std::uint32_t code = 0;
    if (c == 'u' ? !read_hex4(raw, at, code) : letters.find(c) == letters.npos) return false;
  }
  return true;
}

void put_escaped(std::string_view text, Room& out) {
  static constexpr char hex[] = "0123456789abcdef";
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    while (at + 8 <= text.size() && !any_escaped(text.data() + at)) at += 8;
    if (at == text.size()) break;
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.put(text.substr(copied, at - copied));
    copied = at + 1;
    out.put('\\');
    if (const auto found = values.find(c); found != values.npos) {
      out.put(letters[found]);
    } else {
      const char code[] = {'u', '0', '0', hex[c >> 4], hex[c & 15]};
      out.put(std::string_view(code, sizeof code));
    }
  }
  out.put(text.substr(copied));
}

}  // namespace weir
