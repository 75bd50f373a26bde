#pragma once
/// The arithmetic behind bounds, workers and credits, for people: each formula of lib/weir/flow/theory with units in
/// and out, one line about why, and what the answer means for a configuration.
///
///   littles-law      two of --inside, --rate, --time         L = lambda W
///   mm1, md1         --arrival, --service                    one server
///   mmc              --arrival, --service, --servers         several; with --wait how many it takes
///   queue-bound      --rate, --latency                       a bound from a promised latency
///   bandwidth-delay  --rate (10MiB/s), --round-trip          what must be under way
///   utilisation      --arrival, --service, --servers         how busy, and whether that is too much
///   overload         --arrival, --rate, --for, --latency     what an unbounded queue does, and a bounded one
///
/// Thread: pure functions. Cost: below 1 ms; mmc: O(servers).
#include <weir/base/result.h>

#include <string>
#include <string_view>

namespace weir::app {

/// As written on the command line; empty: not given.
struct CalcOptions {
  std::string arrival, service, rate, time, inside, servers, wait, latency, round_trip, for_time;
};

/// The whole answer, lines included. An Error names the option and what to write.
Result<std::string> calculate(std::string_view formula, const CalcOptions& options);

}  // namespace weir::app
