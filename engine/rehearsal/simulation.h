#pragma once
/// The flow of a configuration on a virtual clock: its own stages, routes, queues, breakers and workers, with loads
/// instead of listeners and services of known speed instead of destinations (config/scenarios.h).
///
///   arrivals -> source output -> stages -> sink queue -> worker -> service (takes its time) -> settled
///
/// Time goes from event to event: the next arrival (inflow.h), the end of a delivery, the end of a worker's wait
/// (served_worker.h). At the end of the load nothing more arrives, and time goes on until nothing waits, at most the
/// drain deadline.
///
/// Not simulated: merging stages, journals and spills (refused), who comes again after a refusal, what the machine
/// itself is short of.
///
/// Thread: the caller's, and one for each worker, which end before `simulate` returns. Cost: about 20 us a delivery for
/// the baton, and some microseconds an event. Memory: that of the flow, and of what is held back; not of the time.
#include <weir/base/histogram.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/scenarios.h"
#include "rehearsal/time_line.h"

namespace weir::pipeline {

struct Simulated {
  struct Source {
    std::string name;
    std::uint64_t arrived = 0, settled = 0;
    std::map<std::string, std::uint64_t> ended;  ///< by fate; refused, dropped and failed ones with their reason
    Histogram times{std::chrono::hours(24)};     ///< of those that are stored, from when they were due
    std::uint64_t most_held = 0;                 ///< not read, because the flow was full
    Duration longest_held{0};
    double inside = 0;    ///< the integral of how many there were, over seconds: by Little's law the sum of all times
    double time_sum = 0;  ///< of those that have ended, in seconds
    double time_unsettled = 0;  ///< of the others
  };
  struct Sink {
    std::string name;
    std::uint64_t delivered = 0, deliveries = 0, most_waiting = 0;
    std::uint64_t failed = 0;          ///< of the deliveries; what they held was tried again
    std::uint64_t breaker_opened = 0;  ///< how often
    Duration busy{0};                  ///< of all its workers
    int workers = 1;
  };
  std::vector<Source> sources;
  std::vector<Sink> sinks;
  Duration length{0}, lasted{0};  ///< of the load; until nothing waited
  std::uint64_t unsettled = 0;    ///< events that were still there at the drain deadline
  TimeLine line;
  /// From the end of the last fault until no more was inside than there had been before the first one. Nothing: there
  /// was no fault, or that never came.
  std::optional<Duration> recovered{};
};

/// The error is one line: what is not simulated, or unknown.
Result<Simulated> simulate(const config::Config& config, const Catalog& catalog, const config::Scenario& scenario);

}  // namespace weir::pipeline
