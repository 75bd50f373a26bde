#pragma once
/// One case of a configuration's `tests:`, played through the flow that the configuration describes: the same stages,
/// routes, queues and workers that run, on given time, without threads, sockets or files. Only the ends are replaced:
/// events come from the case, and sinks collect what they are given.
///
///   event     -> source output -> stages -> sink queue -> worker -> collected; after each step everything moves until
///                nothing more can
///   advance   -> time moves on, window by window, and in small steps while something waits for it
///
/// An event is given to its source once the source would read it: while the flow is full, or a stage lets nothing
/// through, it waits. Given time begins at 2023-11-15T00:00:00Z. At the end of a case (unless it says `finish: false`)
/// time passes until nothing waits, at most the drain deadline; then open windows end as they do when a flow stops.
///
/// Thread: one. Cost: some microseconds an event; a `Flow` a case. Memory: what the case brings in, times its paths.
#include <vector>

#include "config/tests.h"

namespace weir::pipeline {

struct Rehearsed {
  struct Event {
    std::string bytes;
    Priority priority;
  };
  struct Sink {
    std::string name;
    std::vector<Event> events;  ///< in the order in which they came
    bool is_journal = false;    ///< what it got has gone on to its consumers
  };
  std::vector<Sink> sinks;  ///< all of them, in the order of the configuration
  struct Ended {
    std::optional<Fate> fate;  ///< nothing: not yet
    Reason reason{};           ///< of those that are dropped or failed
    std::uint64_t count = 0;
  };
  std::vector<Ended> fates;  ///< each once; an event counts on each of its required paths

  /// How many ended so; without a reason: for any.
  std::uint64_t count(std::optional<Fate> fate, std::optional<Reason> reason) const;
};

/// The configuration has to be one that `load` has accepted, and the case one of its own.
Rehearsed rehearse(const config::Config& config, const Catalog& catalog, const config::TestCase& test);

}  // namespace weir::pipeline
