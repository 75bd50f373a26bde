#pragma once
/// A name for each request, by which its traces in all logs are found: X-Request-Id, as the client sent it where that
/// is a plain word of at most 128 characters, else a new one of 32 hexadecimal digits.
///
/// Thread: pure. Cost: 50 ns. Ref: W3C Trace Context section 3.2 for `trace_id`.
#include <weir/base/rng.h>

#include <string>
#include <string_view>

namespace weir::gateway {

std::string request_id(std::string_view said, Rng rng);
/// Of a field traceparent; "": it is none.
std::string_view trace_id(std::string_view traceparent);

}  // namespace weir::gateway
