#pragma once
/// What a refused client reads: the same words as the log, `weir explain` and the metric label, from the one table.
///
///   {"error":"flow_full","status":503,"message":"a queue ... is full: warehouse
///   512/512","retry_after":4,"advice":"..."}
///
/// Thread: any. Cost: one string of a few hundred bytes; refusals only.
#include <weir/base/result.h>

#include <string>
#include <string_view>

namespace weir::net {

/// `sentence` says what exactly; it may be empty. `retry_after` is left out when it is 0.
std::string problem_body(const Rejection& rejection, std::string_view sentence);

/// Whole seconds, rounded up: a client that comes back a fraction early would be refused again.
std::uint64_t whole_seconds(Duration d);

}  // namespace weir::net
