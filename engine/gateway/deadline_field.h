#pragma once
/// How long a client still waits, as it says it in a header field, and as an upstream is told what is left of it.
///
///   grpc-timeout: 250m              up to eight digits and a unit: H M S m u n
///   another field: 250 | 250ms | 1.5s     milliseconds, or a time with its unit
///
/// What is none of these says nothing. 0 has passed already.
///
/// Thread: pure. Cost: 50 ns. Ref: gRPC over HTTP/2, "Timeout".
#include <weir/base/units.h>

#include <optional>
#include <string>
#include <string_view>

namespace weir::gateway {

std::optional<Duration> said_deadline(std::string_view field, std::string_view value);
/// The whole line, CR LF included. At least 1 ms: who is told 0 waits for ever, or not at all.
std::string deadline_line(std::string_view field, Duration left);

}  // namespace weir::gateway
