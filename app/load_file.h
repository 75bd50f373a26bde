#pragma once
/// A load of several kinds of clients that ask several things, as YAML:
///
///   for: 30s
///   streams:
///     shoppers:
///       rate: 600/s               # or profile: "0:400,10:900"
///       clients: backoff          # also: arrivals, tries, deadline
///       requests:
///         browse:   { url: "http://127.0.0.1:8000/browse", weight: 8 }
///         checkout: { url: "http://127.0.0.1:8000/orders", method: POST, body: "{}", weight: 2,
///                     headers: { X-Priority: critical } }
///   assert: ["p99 < 200ms"]
///
/// What a stream does not say is what the command line says. Results are counted by "stream/request".
///
/// Thread: pure but for the look-up of names. Bound: 32 streams of 64 requests; and those of yaml.h.
#include <optional>
#include <vector>

#include "config/load.h"
#include "load_plan.h"

namespace weir::app {

/// Whether a target names such a file: it ends in .yaml or .yml, and is no URL.
bool is_load_file(std::string_view target);

/// Nothing: `problems` says why.
std::optional<LoadPlan> plan_load_file(const LoadOptions& options, const config::LoadOptions& system,
                                       std::vector<config::Problem>& problems);

}  // namespace weir::app
