#include "config/report.h"

#include <fmt/format.h>
#include <weir/flow/theory/little.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "config/checks.h"

namespace weir::config {
namespace {

void add_pairs(Report& report, const Config& config, const Catalog& catalog, const Graph& graph) {
  for (const Source& source : config.sources) {
    const SourceType* type = catalog.source(source.type);
    for (const Sink* sink : graph.sinks_of(source)) {
      Carried carried = carried_by(graph, *sink);
      if (type && type->strongest < carried.level)
        carried = {type->strongest, fmt::format("a {} source answers at once", type->name), {}};
      report.pairs.push_back({source.name, sink->name, sink->required, source.acks, carried.level, carried.limit});
    }
  }
}

std::string worst_wait(const Sink& sink) {
  if (sink.queue.max_wait) {
    const auto floor = static_cast<double>(std::min(floor_of_max_wait(sink), sink.queue.bound.events));
    return fmt::format("{} (max_wait, >= {:.0f}/s)", human(*sink.queue.max_wait),
                       std::ceil(flow::passing(floor, *sink.queue.max_wait).value));
  }
  if (sink.options.has("rate") && sink.options.rate("rate").value > 0) {
    const double time = static_cast<double>(sink.queue.bound.events) / sink.options.rate("rate").value;
    return fmt::format("{} (at {})", human(from_seconds(time)), to_text(sink.options.rate("rate")));
  }
  for (const Rate& rate : sink.guards.rates)
    if (!rate.observe && rate.guard.per == async::RateUnit::events) {
      const double time = static_cast<double>(sink.queue.bound.events) / rate.guard.limit.rate().value;
      return fmt::format("{} (at {})", human(from_seconds(time)), words_of(rate));
    }
  return "unknown until measured";
}

void add_edges(Report& report, const Config& config) {
  for (const Sink& sink : config.sinks) {
    Report::Edge edge{sink.name, sink.from, sink.queue, worst_wait(sink)};
    for (const Source& source : config.sources)
      if (source.dead_letter == sink.name) edge.from.push_back(source.name + " (dead letters)");
    for (const Stage& stage : config.stages)
      if (stage.dead_letter == sink.name) edge.from.push_back(stage.name + " (dead letters)");
    for (const Sink& other : config.sinks)
      if (other.dead_letter == sink.name) edge.from.push_back(other.name + " (dead letters)");
    report.edges.push_back(std::move(edge));
  }
}

/// Two required sinks that share a source are coupled: the source waits for the slower one. Sources that couple the
/// same sinks are named in one sentence.
void add_couplings(Report& report, const Config& config, const Graph& graph) {
  std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> groups;
  for (const Source& source : config.sources) {
    std::vector<std::string> coupled;
    for (const Sink* sink : graph.sinks_of(source))
      if (sink->required && !flow::may_drop(sink->queue.when_full)) coupled.push_back(sink->name);
    if (coupled.size() < 2) continue;
    const auto same = std::ranges::find(groups, coupled, [](const auto& group) { return group.first; });
    if (same == groups.end())
      groups.push_back({coupled, {source.name}});
    else
      same->second.push_back(source.name);
  }
  for (const auto& [coupled, by] : groups)
    report.couplings.push_back(fmt::format(
        "{} stop each other: {} can go no faster than the slowest of them. A sink that others must not wait "
        "for can be optional (required: false) with a drop_* queue.",
        join(coupled), join(by)));
}

}  // namespace

Report make_report(const Config& config, const Catalog& catalog) {
  const Graph graph(config);
  Report report;
  report.files = config.files;
  report.sources = static_cast<std::size_t>(std::ranges::count_if(config.sources, std::not_fn(&Source::is_consumer)));
  report.stages = config.stages.size();
  report.journals = static_cast<std::size_t>(std::ranges::count_if(config.sinks, &Sink::is_journal));
  report.sinks = config.sinks.size() - report.journals;
  report.gateways = config.gateways.size();
  report.upstreams = config.upstreams.size();
  report.reactors = config.reactors;
  report.memory = config.memory;
  add_pairs(report, config, catalog, graph);
  add_edges(report, config);
  add_couplings(report, config, graph);
  report.answers = answers_of(config);
  std::ranges::move(answers_of_gateways(config), std::back_inserter(report.answers));
  report.routes = routes_of(config);
  report.guards = guards_of(config);
  report.advice = advice_of(config, catalog);
  return report;
}

}  // namespace weir::config
