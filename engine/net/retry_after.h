#pragma once
/// Retry-After, as whoever is told it reads it: seconds, or a date.
///
///   Retry-After: 7 | Sun, 06 Nov 1994 08:49:37 GMT
///
/// What is no time is none, a date that has passed is 0, and a time beyond an hour is an hour, so that a server cannot
/// stop its clients for ever.
///
/// Thread: pure functions. Cost: about 50 ns. Ref: RFC 9110 sections 10.2.3 and 5.6.7.
#include <weir/base/units.h>

#include <optional>
#include <string_view>

namespace weir::net {

inline constexpr Duration longest_hold = std::chrono::hours(1);

std::optional<Duration> retry_after(std::string_view value, WallTime now);

/// A number of 0 or more, with or without quotes; nothing: it is none.
std::optional<double> plain_number(std::string_view text);
/// So many seconds, at most longest_hold.
Duration limited_hold(double seconds);

}  // namespace weir::net
