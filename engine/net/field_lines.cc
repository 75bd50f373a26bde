#include "net/field_lines.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace weir::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Each header line is looked at byte by byte at least twice on its way: a table costs a tenth of comparisons.
constexpr auto token_chars = [] {
  std::array<bool, 256> is{};
  for (int c = '0'; c <= '9'; ++c) is[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c)
    is[static_cast<std::size_t>(c)] = is[static_cast<std::size_t>(c - ('a' - 'A'))] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) is[static_cast<std::size_t>(c)] = true;
  return is;
}();

}  // namespace

bool same_letters(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return token_chars[static_cast<unsigned char>(c)]; });
}

/// Eight bytes at a time; those that hold a control character, which tab is too, are looked at one by one.
/// Ref: "Determine if a word has a byte less than n", Anderson, "Bit Twiddling Hacks".
bool is_field_value(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
  const auto is_allowed = [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); };
  for (; text.size() >= sizeof ones; text.remove_prefix(sizeof ones)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    const std::uint64_t deleted = word ^ (ones * 0x7f);
    const std::uint64_t bad = ((word - ones * ' ') & ~word) | ((deleted - ones) & ~deleted);
    if ((bad & highs) != 0 && !std::ranges::all_of(text.substr(0, sizeof ones), is_allowed)) return false;
  }
  return std::ranges::all_of(text, is_allowed);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<Field> next_known_field(std::string_view& lines) {
  const auto end = lines.find('\r');
  const auto colon = lines.find(':');
  if (end == lines.npos || colon > end || end + 1 == lines.size() || lines[end + 1] != '\n') return std::nullopt;
  const Field field{lines.substr(0, colon), trimmed(lines.substr(colon + 1, end - colon - 1)),
                    lines.substr(0, end + 2)};
  lines.remove_prefix(end + 2);
  return field;
}

std::optional<Field> next_field(std::string_view& lines) {
  std::string_view rest = lines;
  const auto field = next_known_field(rest);
  if (!field || !is_token(field->name) || !is_field_value(field->value)) return std::nullopt;
  lines = rest;
  return field;
}

void continue_list(std::string& list, std::string_view value) {
  if (!list.empty() && !value.empty()) list += ", ";
  list += value;
}

bool may_trail(std::string_view name) {
  constexpr std::array<std::string_view, 17> never{"Content-Length",
                                                   "Transfer-Encoding",
                                                   "Host",
                                                   "Connection",
                                                   "Keep-Alive",
                                                   "TE",
                                                   "Trailer",
                                                   "Upgrade",
                                                   "Authorization",
                                                   "Content-Encoding",
                                                   "Content-Type",
                                                   "Content-Range",
                                                   "Set-Cookie",
                                                   "Cookie",
                                                   "Cache-Control",
                                                   "Expect",
                                                   "Proxy-Authorization"};
  return std::ranges::none_of(never, [name](std::string_view other) { return same_word(name, other); });
}

std::string_view next_token(std::string_view& list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view token = trimmed(list.substr(0, comma));
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
    if (!token.empty()) return token;
  }
  return {};
}

bool has_token(std::string_view list, std::string_view token) {
  for (std::string_view at = next_token(list); !at.empty(); at = next_token(list))
    if (same_word(at, token)) return true;
  return false;
}

}  // namespace weir::net
