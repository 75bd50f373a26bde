#include "numeric.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "values.h"

namespace weir::postgres {
namespace {

constexpr std::int64_t most_before = 131'072, most_behind = 16'383;
constexpr std::int16_t negative = 0x4000;

/// 0.DIGITS * 10^point, without zeros in front or at the end.
struct Decimal {
  bool minus = false;
  std::string digits;
  std::int64_t point = 0, scale = 0;
};

Decimal parse(std::string_view text) {
  Decimal d;
  if (text.starts_with('-')) {
    d.minus = true;
    text.remove_prefix(1);
  }
  std::int64_t exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != text.npos) {
    auto power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec != std::errc{})
      exponent = most_before * 100;  // more digits than the number of digits: out of range, or zero
    text = text.substr(0, e);
  }
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  const auto fraction = dot == text.npos ? std::string_view() : text.substr(dot + 1);
  d.digits.append(whole).append(fraction);
  d.point = static_cast<std::int64_t>(whole.size()) + exponent;
  d.scale = std::max<std::int64_t>(0, static_cast<std::int64_t>(fraction.size()) - exponent);
  const auto first = std::min(d.digits.find_first_not_of('0'), d.digits.size());
  d.digits.erase(0, first);
  d.point -= static_cast<std::int64_t>(first);
  d.digits.erase(d.digits.find_last_not_of('0') + 1);
  return d;
}

void append_groups(const Decimal& d, std::int64_t in_first, std::int64_t groups, std::string& out) {
  auto at = in_first - 4;  // the first group may begin before the first digit
  for (std::int64_t g = 0; g < groups; ++g) {
    int group = 0;
    for (int i = 0; i < 4; ++i, ++at)
      group = group * 10 + (at >= 0 && at < static_cast<std::int64_t>(d.digits.size())
                                ? d.digits[static_cast<std::size_t>(at)] - '0'
                                : 0);
    append_int16(static_cast<std::int16_t>(group), out);
  }
}

}  // namespace

bool append_numeric(std::string_view number, std::string& out) {
  const Decimal d = parse(number);
  if (d.digits.empty()) {
    const auto scale = std::min(d.scale, most_behind);
    append_int32(8, out);
    for (const std::int64_t field : {std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, scale})
      append_int16(static_cast<std::int16_t>(field), out);
    return true;
  }
  if (d.point > most_before || d.scale > most_behind) return false;
  // floor((point - 1) / 4), also below zero.
  const std::int64_t weight = d.point > 0 ? (d.point - 1) / 4 : -((4 - d.point) / 4);
  const auto in_first = d.point - 4 * weight;  // 1 to 4
  const auto size = static_cast<std::int64_t>(d.digits.size());
  const std::int64_t groups = 1 + (size > in_first ? (size - in_first + 3) / 4 : 0);
  append_int32(static_cast<std::int32_t>(8 + 2 * groups), out);
  append_int16(static_cast<std::int16_t>(groups), out);
  append_int16(static_cast<std::int16_t>(weight), out);
  append_int16(d.minus ? negative : 0, out);
  append_int16(static_cast<std::int16_t>(d.scale), out);
  append_groups(d, in_first, groups, out);
  return true;
}

}  // namespace weir::postgres
