#pragma once
/// The flow of a configuration on a virtual clock: its own stages, routes, queues, breakers and workers, with loads
/// instead of listeners and services of known speed instead of destinations.
///
///   arrivals -> source output -> stages -> sink queue -> worker -> service (takes its time) -> settled
///
/// Time goes from event to event: the next arrival, the end of a delivery, the end of a worker's wait. A source that
/// finds the flow full does not read, as over TCP: its events are held back, each until there is room, and their time
/// counts from when they were due. At the end of the load nothing more arrives, and time goes on until nothing waits,
/// at most the drain deadline.
///
/// A worker delivers synchronously, so each has a thread; the threads and the clock pass a baton, and exactly one of
/// them runs at a time. So a seed gives the same run every time, and nothing is locked against anything.
///
/// Not simulated: merging stages, journals and spills (refused), the door's refusals, guards, what the machine itself
/// is short of.
///
/// Thread: the caller's, and one for each worker, which end before `simulate` returns. Cost: about 20 us a delivery for
/// the baton, and some microseconds an event. Memory: that of the flow, and of what is held back; not of the time.
#include <weir/base/histogram.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "load/arrivals.h"

namespace weir::pipeline {

struct Scenario {
  struct Load {
    std::string source;
    std::vector<load::Arrivals::Phase> phases;
    load::Arrivals::Kind kind = load::Arrivals::Kind::poisson;
    std::string event = "{}";
  };
  struct Service {
    std::string sink;
    std::function<Duration(std::uint64_t events, Rng& rng)> time;  ///< of one delivery
    Duration stalls_at{0}, stalls_for{0};                          ///< meanwhile nothing is answered
  };
  Duration length = std::chrono::seconds(10);
  std::uint64_t seed = 1;
  std::vector<Load> loads;
  std::vector<Service> services;  ///< of a sink without one a delivery takes no time
};

struct Simulated {
  struct Source {
    std::string name;
    std::uint64_t arrived = 0, settled = 0;
    std::map<std::string, std::uint64_t> ended;  ///< by fate, dropped and failed ones with their reason
    Histogram times{std::chrono::hours(24)};     ///< of those that are stored, from when they were due
    std::uint64_t most_held = 0;                 ///< not read, because the flow was full
    Duration longest_held{0};
    double inside = 0;    ///< the integral of how many there were, over seconds: by Little's law the sum of all times
    double time_sum = 0;  ///< of all, in seconds
  };
  struct Sink {
    std::string name;
    std::uint64_t delivered = 0, deliveries = 0, most_waiting = 0;
    Duration busy{0};  ///< of all its workers
    int workers = 1;
  };
  std::vector<Source> sources;
  std::vector<Sink> sinks;
  Duration length{0}, lasted{0};  ///< of the load; until nothing waited
  std::uint64_t unsettled = 0;    ///< events that were still there at the drain deadline
};

/// The error is one line: what is not simulated, or unknown.
Result<Simulated> simulate(const config::Config& config, const Catalog& catalog, const Scenario& scenario);

}  // namespace weir::pipeline
