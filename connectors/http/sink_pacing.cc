#include "sink_pacing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "net/field_lines.h"
#include "net/retry_after.h"

namespace weir::http {
namespace {

/// What stands before the next `separator`, taken off the front.
std::string_view next_part(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return net::trimmed(part);
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
      const auto value = net::plain_number(parameter);
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
      if (next_part(parameter, '=') == "w") longest = std::max(longest, net::plain_number(parameter).value_or(0));
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
  return net::retry_after(answer.header("Retry-After"), now);
}

std::optional<Advertised> advertised(const net::HttpAnswer& answer, WallTime now) {
  std::optional<Advertised> strictest;
  const double otherwise = window(answer.header("RateLimit-Policy"));
  const auto consider = [&](const Found& found) {
    if (!found.remaining) return;
    const Advertised one{*found.remaining, net::limited_hold(std::max(1.0, found.reset.value_or(otherwise)))};
    if (!strictest || rest(one) > rest(*strictest)) strictest = one;
  };
  parse_list(answer.header("RateLimit"), consider);
  for (const std::string prefix : {"RateLimit-", "X-RateLimit-"}) {
    const auto reset = net::plain_number(answer.header(prefix + "Reset"));
    if (const auto remaining = net::plain_number(answer.header(prefix + "Remaining")); remaining && reset)
      consider({remaining, since_now(*reset, now)});
  }
  return strictest;
}

Duration rest(const Advertised& limit) {
  if (limit.remaining < 1) return limit.reset;
  return from_seconds(weir::seconds(limit.reset) / std::floor(limit.remaining));
}

}  // namespace weir::http
