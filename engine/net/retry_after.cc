#include "net/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <string>

#include "net/field_lines.h"

namespace weir::net {
namespace {

/// An IMF-fixdate, the only form that may still be sent (RFC 9110 5.6.7).
std::optional<Duration> until_date(std::string_view text, WallTime now) {
  std::tm when{};
  const std::string copy(text.substr(0, 64));
  const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when);
  if (!end || *end) return std::nullopt;
  const auto at = static_cast<double>(timegm(&when));
  return limited_hold(std::max(0.0, at - seconds(now.time_since_epoch())));
}

}  // namespace

std::optional<double> plain_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('"') && text.ends_with('"') && text.size() >= 2) text = text.substr(1, text.size() - 2);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || at != text.data() + text.size() || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

Duration limited_hold(double seconds) { return std::min(longest_hold, from_seconds(std::min(seconds, 1e6))); }

std::optional<Duration> retry_after(std::string_view value, WallTime now) {
  value = trimmed(value);
  if (value.empty()) return std::nullopt;
  if (const auto number = plain_number(value)) return limited_hold(*number);
  return until_date(value, now);
}

}  // namespace weir::net
