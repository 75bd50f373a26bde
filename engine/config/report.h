#pragma once
/// What `weir check` says about a valid configuration: which promise each source can make about each sink, where work
/// waits, how much and for how long, what happens there when it cannot keep up, what the memory is for, and what an
/// operator would probably regret.
///
///   worst wait   max_wait where it is set; bound / rate where the sink or its guards declare a `rate`; else not known before a rate
///                is measured. max_wait never sizes a bound below one batch of at most 64 events for each worker, so it
///                holds from (workers x batch) / max_wait events a second on (Little's law)
///
/// Plain data and pure renderers, so the same report is a page, JSON for tools, and a picture.
///
/// Thread: values. Cost: start only.
#include <string>
#include <vector>

#include "config/config.h"

namespace weir::config {

struct Report {
  /// One source and one sink that its events can reach.
  struct Pair {
    std::string source, sink;
    bool required = true;
    Level asks = Level::accepted;     ///< of the source, over all its paths
    Level carries = Level::accepted;  ///< of this path; an optional sink has no say
    std::string limit;                ///< what keeps it from being stronger; empty when it is `stored`
  };
  /// A sink queue: the only place in the middle where work waits.
  struct Edge {
    std::string sink;
    std::vector<std::string> from;  ///< dead letters as "NAME (dead letters)"
    flow::EdgeConfig config;
    std::string worst_wait;
  };
  /// What happens at a place when it cannot keep up: doors, sink queues and memory.
  struct Answer {
    std::string location;  ///< "sinks.warehouse"
    std::string sentence;
  };
  /// What a place lets start, in the order in which it is asked.
  struct Guard {
    std::string location;  ///< "sources.orders"
    std::string order;     ///< "key, rate, door"
    std::string sentence;  ///< the limit, for whom, the most one key can get, and what happens above it
  };
  /// Which requests of a gateway go where; the first that matches.
  struct Route {
    std::string gateway, match, to;
    Duration deadline{0};
  };
  /// Advice about an anti-pattern.
  struct Advice {
    std::string location, what;
    SourceLocation at{};  ///< where that part stands in the files
  };

  std::vector<std::string> files;
  std::size_t sources = 0, stages = 0, journals = 0, sinks = 0, gateways = 0, upstreams = 0;
  int reactors = 1;
  std::vector<Pair> pairs;
  std::vector<Edge> edges;
  std::vector<Answer> answers;
  std::vector<Guard> guards;
  std::vector<Route> routes;
  MemoryTable memory;
  std::vector<std::string> couplings;  ///< Semantics A7: required sinks that stop each other
  std::vector<Advice> advice;
};

Report make_report(const Config& config, const Catalog& catalog);

/// At most 100 columns. `color` adds ANSI escapes.
std::string to_text(const Report& report, bool color);
/// One JSON object; sizes in bytes, durations in seconds.
std::string to_json(const Report& report);
/// The flow for Graphviz: `weir check --graph | dot -Tsvg`.
std::string to_graph(const Config& config);
/// The effective configuration, defaults filled in, values of `file:` hidden. Loading it gives the same flow.
std::string to_yaml(const Config& config, const Catalog& catalog);

/// The parts of to_yaml.
std::string gateways_to_yaml(const Config& config);

/// The parts of make_report.
std::vector<Report::Answer> answers_of_gateways(const Config& config);
std::vector<Report::Route> routes_of(const Config& config);
std::vector<Report::Answer> answers_of(const Config& config);
std::vector<Report::Guard> guards_of(const Config& config);
std::vector<Report::Advice> advice_of(const Config& config, const Catalog& catalog);
/// Of these, what concerns guards.
std::vector<Report::Advice> advice_on_guards(const Config& config);
/// Of these, what follows from times and rates that are written.
std::vector<Report::Advice> advice_on_times(const Config& config, const Catalog& catalog);
/// Events below which max_wait never sizes the bound of this sink.
std::uint64_t floor_of_max_wait(const Sink& sink);

}  // namespace weir::config
