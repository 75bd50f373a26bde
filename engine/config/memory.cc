#include "config/memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/shrink.h"

namespace weir::config {
namespace {

constexpr Bytes most{1ull << 60};
constexpr Footprint process{12_MiB, {}, 0, {}};  // measured: code, thread stacks, the logger's ring
constexpr Footprint admin{1_MiB, 32_KiB, 16, "connections"};
constexpr Bytes one_viewer = 48_KiB;     // of the dashboard: a connection, its answer's frames, the kernel's buffers
constexpr std::size_t for_viewers = 16;  // one part in so many of what is beyond need
constexpr Bytes one_history{12_KiB};     // of a part: 8 series of 360 points (observe/history.h)
constexpr Footprint taps{{}, 256_KiB, 4, "taps"};  // what `weir tap` may hold of the edges it looks at

constexpr Bytes letters{16_KiB};      // about what is dropped, gathered before they are pushed
constexpr Bytes spill_window{4_MiB};  // back from the disk
// The log's buffers; 24 bytes for each of 65536 receipts on the disk, 96 for each of 4096 that are back.
constexpr Bytes spill_tables{1_MiB + 512_KiB + 1_MiB + 512_KiB + 384_KiB};

Bytes saturating_add(Bytes a, Bytes b) { return std::min(most, std::min(a, most) + std::min(b, most)); }

std::string part(std::string_view what, const Footprint& footprint) {
  return footprint.unit.empty() ? std::string(what) : fmt::format("{}: {}", what, footprint.unit);
}

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? most.count() : product;
}

/// What has a history: all that the dashboard shows, and the flow itself.
std::size_t parts_of(const Config& config) {
  return 1 + config.sources.size() + config.stages.size() + config.sinks.size() + config.gateways.size() +
         config.upstreams.size();
}

class Rows {
 public:
  explicit Rows(MemoryTable& table) : table_(table) {}
  void add(std::string name, const Footprint& footprint) { table_.rows.push_back({std::move(name), footprint}); }
  /// What one port gathers in before it pushes: a buffer for each priority on each reactor (semantics C3).
  void add_port(const std::string& name, const Config& config, int priorities) {
    add(name + ": open batches",
        {{}, config.batch_bytes, static_cast<std::uint64_t>(priorities * config.reactors), "batch"});
  }
  /// Tables of keys, and who waits.
  void add_guards(const std::string& name, const Guards& guards) {
    for (const Rate& rate : guards.rates)
      if (rate.keyed())
        add(fmt::format("{}: guard {}: keys", name, rate.guard.name),
            {async::RateGuard::footprint(rate.guard), {}, 0, {}});
    if (guards.concurrency)
      add(name + ": guard concurrency: who waits",
          {async::ConcurrencyGuard::footprint(guards.concurrency->guard), {}, 0, {}});
  }

 private:
  MemoryTable& table_;
};

void add_sources(Rows& rows, const Catalog& catalog, const Config& config, const Graph& graph) {
  for (const Source& source : config.sources) {
    const std::string name = "source " + source.name;
    const SourceType* type = catalog.source(source.type);
    if (source.is_consumer()) {
      rows.add(fmt::format("journal {}: consumer {}: on its way", source.journal, source.consumer.name),
               {consumer_memory(config, catalog, source), {}, 0, {}});
      continue;
    }
    if (type->footprint)
      for (const Footprint& footprint : type->footprint(source.options, config.reactors))
        rows.add(part(name, footprint), footprint);
    rows.add_port(name, config, graph.priorities_of(source.name));
    rows.add_guards(name, source.guards);
  }
}

void add_stages(Rows& rows, const Config& config, const Graph& graph) {
  for (const Stage& stage : config.stages) {
    const std::string name = "stage " + stage.name;
    // What it makes of one chunk of a priority's events, and where each of them went.
    const auto lanes = static_cast<std::uint64_t>(graph.priorities_of(stage.name) * config.reactors);
    rows.add(name + ": output buffers", {{}, config.batch_bytes + 64_KiB, lanes, "chunk"});
    if (!stage.dead_letter.empty()) rows.add(name + ": dead letters", {{}, letters, lanes, "chunk"});
    if (!stage.plan) continue;
    for (const Footprint& footprint : stage.plan->footprint(config.reactors))
      rows.add(part(name, footprint), footprint);
    if (!stage.merges()) continue;
    rows.add_port(name, config, 1);
    rows.add(name + ": outputs on their way", {merge_outputs(config), {}, 0, {}});
    rows.add(name + ": receipts of what was merged", {{}, 24_B, 65536, "receipt"});
  }
}

void add_journal(Rows& rows, const Catalog& catalog, const Config& config, const Graph& graph, const Sink& journal) {
  const std::string name = "journal " + journal.name;
  const auto is_consumer = [&](const Source& source) { return source.journal == journal.name; };
  const auto consumers = static_cast<std::size_t>(std::ranges::count_if(config.sources, is_consumer));
  for (const Footprint& footprint :
       catalog.journal(journal.type)->footprint(journal.options, consumers, largest_event(graph, journal)))
    rows.add(part(name, footprint), footprint);
  if (journal.is_dead_letter_target)
    rows.add(name + ": queue for dead letters", {journal.queue.bound.bytes, {}, 0, {}});
}

void add_sinks(Rows& rows, const Catalog& catalog, const Config& config, const Graph& graph) {
  for (const Sink& sink : config.sinks) {
    const std::string name = "sink " + sink.name;
    const auto workers = static_cast<std::uint64_t>(sink.workers);
    if (sink.is_journal) {
      add_journal(rows, catalog, config, graph, sink);
      continue;
    }
    const SinkType* type = catalog.sink(sink.type);
    if (type->footprint)
      for (Footprint footprint : type->footprint(sink.options, sink.batch.most)) {
        footprint.fixed = Bytes(times(footprint.fixed.count(), workers));
        footprint.max_units = times(footprint.max_units, workers);
        rows.add(part(name, footprint), footprint);
      }
    if (sink.is_dead_letter_target) rows.add(name + ": queue for dead letters", {sink.queue.bound.bytes, {}, 0, {}});
    if (sink.queue.dead_letter_shed > 0) rows.add(name + ": dead letters of what is shed", {letters, {}, 0, {}});
    if (!sink.spills()) continue;
    const Bytes large = largest_event(graph, sink);
    rows.add(name + ": spill: buffers", {spill_tables + (large > 1_MiB ? large * 2 : Bytes{}), {}, 0, {}});
    rows.add(name + ": spill: back from the disk", {spill_memory(config, sink), {}, 0, {}});
  }
}

std::string in_whole_mib(Bytes size) {
  return fmt::format("{}MiB", (size.count() + (1_MiB).count() - 1) / (1_MiB).count());
}

/// What a stage may make of so many bytes in so many events.
Bytes grown(Bytes bytes, const Growth& growth, std::uint64_t events) {
  return saturating_add(Bytes(times(bytes.count(), growth.factor)), Bytes(times(growth.plus.count(), events)));
}

/// The largest unit of a source, with the copies that are made of it behind stages, each as large as stages may make
/// it.
Bytes cost_of_unit(const Graph& graph, const Source& source, std::uint64_t bytes) {
  constexpr std::uint64_t index_entry = 13;  // and a newline
  const std::uint64_t events =
      source.options.has("max_events") ? std::min(bytes / 2 + 1, source.options.count("max_events")) : 1;
  Bytes sum = Bytes(bytes + bytes / 8) + 256_KiB;  // and what a gzip window and the blocks' own overhead take
  for (const Sink* sink : graph.sinks_of(source)) {
    const auto stages = graph.stages_between(source, *sink);
    if (stages.empty()) continue;
    Bytes copy(bytes);
    for (const Stage* stage : stages) {
      if (stage->merges()) {
        copy = Bytes{};
        break;
      }
      const Growth growth = stage->plan ? stage->plan->growth() : Growth{};
      copy = grown(copy, growth, events);
    }
    if (copy > Bytes{}) sum = saturating_add(sum, copy + Bytes(events * index_entry));
  }
  return sum;
}

void check(Reader& reader, const Config& config) {
  const MemoryTable& table = config.memory;
  const Bytes needed = needed_budget(config);
  if (table.budget >= needed) return;
  const auto largest =
      std::ranges::max_element(table.rows, {}, [](const MemoryRow& row) { return saturating_total(row.footprint); });
  reader.error_at("memory",
                  fmt::format("{}{} is too small: parts declare {} (largest: {} {}) and one request may need {}",
                              to_text(table.memory), table.automatic ? " (auto)" : "", in_whole_mib(table.footprints),
                              largest->part, in_whole_mib(saturating_total(largest->footprint)), in_whole_mib(needed)),
                  fmt::format("at least {} is needed", in_whole_mib(saturating_add(table.footprints, needed))));
}

}  // namespace

// Over other journals too.
Bytes largest_event(const Graph& graph, const Sink& journal) {
  Bytes largest = 256_KiB;
  std::vector<const Sink*> journals{&journal};  // each once: dead letters may lead back, and are refused elsewhere
  for (std::size_t i = 0; i < journals.size(); ++i)
    for (const Source* source : graph.all_sources_of(*journals[i])) {
      if (source->options.has("max_event")) largest = std::max(largest, source->options.size("max_event"));
      const Sink* before = source->is_consumer() ? graph.sink(source->journal) : nullptr;
      if (before && std::ranges::find(journals, before) == journals.end()) journals.push_back(before);
    }
  return largest;
}

Bytes largest_event_behind_stages(const Graph& graph, const Sink& sink) {
  Bytes largest = largest_event(graph, sink);
  for (const Source* source : graph.sources_of(sink)) {
    Bytes event = source->options.has("max_event") ? source->options.size("max_event") : largest_event(graph, sink);
    for (const Stage* stage : graph.stages_between(*source, sink))
      event = stage->plan ? grown(event, stage->plan->growth(), 1) : event;
    largest = std::max(largest, event);
  }
  return largest;
}

Bytes needed_budget(const Config& config) { return std::max(least_budget, worst_case(config)); }

Bytes consumer_memory(const Config& config, const Catalog& catalog, const Source& consumer) {
  const Graph graph(config);
  const Sink& journal = *graph.sink(consumer.journal);
  // Two of the largest pieces, so that one is read while the other is delivered.
  const Bytes piece = cost_of_unit(graph, consumer, largest_event(graph, journal).count()) + 128_KiB;
  return std::max(catalog.journal(journal.type)->read_ahead(journal.options), piece * 2);
}

Bytes spill_memory(const Config& config, const Sink& sink) {
  // Two of the largest events, so that one is read while the other is delivered.
  return std::max(spill_window, (largest_event(Graph(config), sink) + 64_KiB) * 2);
}

Bytes automatic_memory(Bytes machine) { return Bytes(machine.count() / 10 * 6); }

namespace {

/// Beyond the least, as many as a sixteenth of what the flow does not need has room for: so no `memory` that is enough
/// for the flow is too small for its viewers.
void add_viewers(Config& config) {
  MemoryTable& table = config.memory;
  const Bytes needed = needed_budget(config);
  const auto row = std::ranges::find(table.rows, "admin: viewers", &MemoryRow::part);
  if (row == table.rows.end() || table.budget <= needed) return;
  const Bytes spare = table.budget - needed;
  const std::size_t more = std::min<std::size_t>(most_viewers - least_viewers,
                                                 spare.count() / for_viewers / row->footprint.per_unit.count());
  config.admin.viewers += more;
  row->footprint.max_units += more;
  table.footprints = saturating_add(table.footprints, Bytes(row->footprint.per_unit.count() * more));
  table.budget = table.memory - table.footprints;
}

}  // namespace

Bytes saturating_total(const Footprint& footprint) {
  return saturating_add(footprint.fixed, Bytes(times(footprint.per_unit.count(), footprint.max_units)));
}

Bytes worst_case(const Config& config) {
  const Graph graph(config);
  Bytes worst;
  for (const Source& source : config.sources)
    for (const char* option : {"max_body", "max_event"})
      if (source.options.has(option))
        worst = std::max(worst, cost_of_unit(graph, source, source.options.size(option).count()));
  return worst;
}

void sum_memory(const Catalog& catalog, Config& config) {
  MemoryTable& table = config.memory;
  table.rows.clear();
  table.footprints = {};
  const Graph graph(config);
  Rows rows(table);
  rows.add("process: code, stacks, logging", process);
  if (!config.admin.listen.empty()) {
    Footprint connections = admin;
    if (!config.admin.tls_certificate.empty()) {
      connections.per_unit += admin_tls;
      connections.soft = true;
    }
    rows.add("admin: connections", connections);
    rows.add("admin: taps", taps);
    config.admin.viewers = least_viewers;
    rows.add("admin: viewers", {{},
                                one_viewer + (connections.soft ? admin_tls : Bytes(0)),
                                config.admin.viewers,
                                "viewers",
                                connections.soft});
    rows.add("admin: history", {{}, one_history, std::min(parts_of(config), most_with_history), "parts"});
  }
  add_sources(rows, catalog, config, graph);
  add_stages(rows, config, graph);
  add_sinks(rows, catalog, config, graph);
  for (const AlertReceiver& receiver : config.alerts.receivers)
    if (const SinkType* type = catalog.sink(receiver.type); type && type->footprint)
      for (const Footprint& part : type->footprint(receiver.options, {alert_delivery_events, alert_delivery_bytes}))
        rows.add("alert receiver " + receiver.name, part);
  for (const Gateway& gateway : config.gateways) {
    rows.add("gateway " + gateway.name + ": connections", footprint(gateway));
    for (const GatewayRoute& route : gateway.routes)
      rows.add_guards(fmt::format("gateway {} {}", gateway.name, route.path), route.guards);
  }
  for (const Upstream& upstream : config.upstreams)
    rows.add("upstream " + upstream.name + ": connections", footprint(upstream));
  for (const MemoryRow& row : table.rows)
    table.footprints = saturating_add(table.footprints, saturating_total(row.footprint));
  table.budget = table.memory > table.footprints ? table.memory - table.footprints : Bytes(0);
  if (!config.admin.listen.empty()) add_viewers(config);
}

void add_memory(Reader& reader, const Catalog& catalog, Config& config) {
  shrink_defaults(reader, catalog, config);
  sum_memory(catalog, config);
  check(reader, config);
}

}  // namespace weir::config
