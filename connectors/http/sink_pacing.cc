#include "sink_pacing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <string>

namespace weir::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What stands before the next `separator`, taken off the front.
std::string_view next_part(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return trimmed(part);
}

std::optional<double> number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('"') && text.ends_with('"') && text.size() >= 2) text = text.substr(1, text.size() - 2);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || at != text.data() + text.size() || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

Duration limited(double seconds) { return std::min(longest_hold, from_seconds(std::min(seconds, 1e6))); }

/// An IMF-fixdate, the only form that may still be sent (RFC 9110 5.6.7).
std::optional<Duration> until_date(std::string_view text, WallTime now) {
  std::tm when{};
  const std::string copy(text.substr(0, 64));
  const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when);
  if (!end || *end) return std::nullopt;
  const auto at = static_cast<double>(timegm(&when));
  return limited(std::max(0.0, at - weir::seconds(now.time_since_epoch())));
}

struct Found {
  std::optional<double> remaining, reset;
};

/// `"a";r=1;t=2, "b";r=3;t=4` and `limit=9, remaining=1, reset=2`: keys of an item stand behind ';', or are items.
void parse_list(std::string_view list, auto&& found) {
  Found flat;
  while (!list.empty()) {
    auto item = next_part(list, ',');
    Found one;
    while (!item.empty()) {
      auto parameter = next_part(item, ';');
      const auto key = next_part(parameter, '=');
      const auto value = number(parameter);
      if (key == "r") one.remaining = value;
      if (key == "t") one.reset = value;
      if (key == "remaining") flat.remaining = value;
      if (key == "reset") flat.reset = value;
    }
    if (one.remaining) found(one);
  }
  if (flat.remaining) found(flat);
}

/// The window of the policy with the longest one: what holds when no reset is told.
double window(std::string_view policies) {
  double longest = 0;
  while (!policies.empty()) {
    auto item = next_part(policies, ',');
    while (!item.empty()) {
      auto parameter = next_part(item, ';');
      if (next_part(parameter, '=') == "w") longest = std::max(longest, number(parameter).value_or(0));
    }
  }
  return longest;
}

/// X-RateLimit-Reset is a time to wait for some, and a date for others: in seconds or milliseconds since 1970.
double since_now(double reset, WallTime now) {
  constexpr double year_2001 = 1e9;
  if (reset < year_2001) return reset;
  const double at = reset > year_2001 * 1e3 ? reset / 1e3 : reset;
  return std::max(0.0, at - weir::seconds(now.time_since_epoch()));
}

}  // namespace

std::optional<Duration> retry_after(const net::HttpAnswer& answer, WallTime now) {
  const auto text = trimmed(answer.header("Retry-After"));
  if (text.empty()) return std::nullopt;
  if (const auto seconds = number(text)) return limited(*seconds);
  return until_date(text, now);
}

std::optional<Advertised> advertised(const net::HttpAnswer& answer, WallTime now) {
  std::optional<Advertised> strictest;
  const double otherwise = window(answer.header("RateLimit-Policy"));
  const auto consider = [&](const Found& found) {
    if (!found.remaining) return;
    const Advertised one{*found.remaining, limited(std::max(1.0, found.reset.value_or(otherwise)))};
    if (!strictest || rest(one) > rest(*strictest)) strictest = one;
  };
  parse_list(answer.header("RateLimit"), consider);
  for (const std::string prefix : {"RateLimit-", "X-RateLimit-"}) {
    const auto reset = number(answer.header(prefix + "Reset"));
    if (const auto remaining = number(answer.header(prefix + "Remaining")); remaining && reset)
      consider({remaining, since_now(*reset, now)});
  }
  return strictest;
}

Duration rest(const Advertised& limit) {
  if (limit.remaining < 1) return limit.reset;
  return from_seconds(weir::seconds(limit.reset) / std::floor(limit.remaining));
}

}  // namespace weir::http
