#pragma once
/// What a reload may not change (semantics H2).
///
/// Policy values change in place and keep their state: a sink's queue, batch, breaker and retry, a source's when_full.
/// Everything else is topology: it is changed by starting a new process on the same ports and draining the old one.
/// Memory is topology as far as parts would declare more than they do: the budget was given out at start.
///
/// Thread: pure. Cost: a reload.
#include <string>
#include <vector>

#include "config/config.h"

namespace weir::config {

/// One clause for each difference: "sinks.cache is new", "sources.orders.acks: stored, was processed". Empty: the
/// running process can take over `next`. Values of secrets are never named.
std::vector<std::string> topology_differences(const Config& running, const Config& next);

}  // namespace weir::config
