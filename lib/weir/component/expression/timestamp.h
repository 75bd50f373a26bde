#pragma once
/// Points in time as events write them.
///
///   2026-11-21T05:10:00.123456Z   RFC 3339; an offset (+02:00), a space for the T and no offset (UTC) will do
///   2026-11-21                    midnight, UTC
///   1795237800, 1795237800.5      a number, or a text that is one: seconds since 1970; from 1e11 milli-, from 1e14
///                                 micro-, from 1e17 nanoseconds
///
/// Written as RFC 3339 in UTC, with 3, 6 or 9 digits after the second as they are needed. Years 1678 to 2261. A leap
/// second is the second after it.
///
/// Thread: pure functions. Cost: about 30 ns each way. Ref: RFC 3339.
#include <weir/base/units.h>

#include <optional>
#include <string>
#include <string_view>

namespace weir {

std::optional<WallTime> parse_timestamp(std::string_view text);
std::optional<WallTime> timestamp_of(long double number);
/// At most 30 bytes.
void append_rfc3339(WallTime when, std::string& out);

}  // namespace weir
