#include "config/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::config {
namespace {

using flow::WhenFull;

/// The weakest of two, and the reason of the weaker.
void lower(Carried& carried, Carried other) {
  if (other.level < carried.level) carried = std::move(other);
}

Carried carried_alone(const Sink& sink) {
  const std::string queue = sink.is_journal ? sink.path() : sink.path() + ".queue";
  const auto processed = [](std::string limit, std::string fix) {
    return Carried{Level::processed, std::move(limit), std::move(fix)};
  };
  const WhenFull policy = sink.queue.when_full;
  if (flow::may_drop(policy))
    return processed(fmt::format("{} drops (when_full: {})", queue, name(policy)), "use block");
  if (policy == WhenFull::reject)
    return processed(fmt::format("{} refuses what is already read (when_full: reject)", queue), "use block");
  if (sink.queue.codel) return processed(fmt::format("{} drops what waits too long (codel)", queue), "remove codel");
  if (sink.queue.expire_after)
    return processed(
        fmt::format("{} drops what waits longer than {} (expire_after)", queue, to_text(*sink.queue.expire_after)),
        "remove expire_after");
  if (level_of(sink.ack) < Level::stored && sink.is_journal)
    return processed(fmt::format("{} has {}", sink.path(), sink.why_weaker), "use durability: commit");
  if (level_of(sink.ack) < Level::stored)
    return processed(
        fmt::format("sinks.{} only sends and never learns what became of it (type {})", sink.name, sink.type),
        "use a sink that confirms");
  return {};
}

void check_acks(Reader& reader, const Catalog& catalog, const Graph& graph, const SourceType& type, Source& source) {
  const std::string path = source.path();
  const Carried carried = carried_by(graph, source, type);
  if (source.is_consumer() || !reader.given(path + ".acks")) {
    source.acks = carried.level;
  } else if (source.acks > carried.level) {
    reader.error(reader.location_of(path + ".acks"), path,
                 fmt::format("asks for acks: {}, but {}", name(source.acks), carried.limit),
                 fmt::format("{} acks: {}", carried.fix.empty() ? "use" : carried.fix + ", or", name(carried.level)));
  }
  // The source would read the same events again for ever, because they can neither be stored nor dropped.
  if (source.acks != Level::stored || !type.can.can_replay) return;
  for (const Sink* sink : graph.sinks_of(source))
    if (needs_way_out(catalog, graph, *sink))
      reader.error_at(
          sink->path(),
          fmt::format(
              "{} reads again what is not stored, so an event this sink refuses for good would come back for ever",
              source.is_consumer() ? "journal " + source.journal : source.name),
          "add dead_letter: or on_failure: drop");
}

void check_edge(Reader& reader, const Catalog& catalog, const Graph& graph, const Sink& sink) {
  const std::string path = sink.path();
  const std::string policy_path = path + (sink.is_journal ? ".when_full" : ".queue.when_full");
  const WhenFull policy = sink.queue.when_full;
  const auto& sources = graph.sources_of(sink);
  const bool only_consumer = !sources.empty() && std::ranges::all_of(sources, &Source::is_consumer);
  if (!sink.required && !flow::may_drop(policy) && !only_consumer)  // a consumer holds up only itself
    reader.error_at(
        policy_path,
        fmt::format("{} is optional (required: false) and may hold nobody up, but its queue is {}", path, name(policy)),
        "say what may be lost (drop_oldest, drop_newest, drop_lowest or drop_random), or make it required");
  for (const Source* source : graph.sources_of(sink)) {
    const SourceType* type = catalog.source(source->type);
    if (!type) continue;
    const std::string who = source->is_consumer() ? "journals." + source->journal : "sources." + source->name;
    if ((policy == WhenFull::block || policy == WhenFull::spill) && !type->can.can_pause)
      reader.error_at(
          policy_path,
          fmt::format("{} needs sources that can pause, and {} ({}) cannot", name(policy), who, source->type),
          "use a drop_* policy");
    if (policy != WhenFull::reject || !sink.required) continue;
    if (!type->can.can_refuse)
      reader.error_at(policy_path,
                      fmt::format("reject needs sources that can refuse, and {} ({}) cannot", who, source->type),
                      "use block or a drop_* policy");
    else if (source->acks == Level::accepted)
      reader.error_at(
          policy_path,
          fmt::format("reject needs a sender that still waits, and sources.{} answers at once (acks: accepted)",
                      source->name),
          "use block, or acks: processed");
  }
}

void check_largest_event(Reader& reader, const Graph& graph, const Draft& draft, const Sink& sink) {
  for (const Source* source : graph.all_sources_of(sink)) {
    if (draft.broken.contains(source->name) || !source->options.has("max_event")) continue;
    const Bytes most = source->options.size("max_event");
    if (most > sink.queue.bound.bytes)
      reader.error_at(sink.path() + ".queue.max_bytes",
                      fmt::format("an event of sources.{} may have {}, which never fits into {}", source->name,
                                  to_text(most), to_text(sink.queue.bound.bytes)),
                      "raise max_bytes, or lower max_event");
  }
}

void check_spills(Reader& reader, const Graph& graph, const Draft& draft) {
  for (const Sink& sink : draft.config.sinks) {
    if (!sink.spills()) continue;
    const std::string path = sink.path() + ".queue.spill";
    for (const Source* source : graph.all_sources_of(sink)) {
      if (draft.broken.contains(source->name) || !source->options.has("max_event")) continue;
      if (const Bytes event = source->options.size("max_event"); event * 4 > sink.spill.max_bytes)
        reader.error_at(path + ".max_bytes",
                        fmt::format("{} is too small: an event of sources.{} may have {}",
                                    to_text(sink.spill.max_bytes), source->name, to_text(event)),
                        fmt::format("write at least {}", to_text(event * 4)));
    }
  }
}

void fill_reserves(Reader& reader, const Graph& graph, Config& config) {
  for (Sink& sink : config.sinks) {
    if (reader.given(sink.path() + ".queue.reserved_for_high")) continue;
    const auto sources = graph.all_sources_of(sink);
    const bool prioritised = std::ranges::any_of(sources, &Source::has_priorities);
    sink.queue.reserved_for_high = usual_reserve(prioritised);
  }
}

void check_waiting_stages(Reader& reader, const Catalog& catalog, const Graph& graph, const Config& config) {
  for (const Stage& stage : config.stages) {
    if (!stage.plan || !stage.plan->may_wait()) continue;
    for (const Source* source : graph.sources_of(stage.name))
      if (const SourceType* type = catalog.source(source->type); type && !type->can.can_pause)
        reader.error_at(
            "stages." + stage.name,
            fmt::format("holds its sources up, and sources.{} ({}) cannot pause", source->name, source->type),
            "let it drop instead, or use another source");
  }
}

void warn_unread_outputs(Reader& reader, const Config& config, const Stage& stage) {
  const auto reads = [&](const auto& parts, const std::string& full) {
    return std::ranges::any_of(parts,
                               [&](const auto& part) { return std::ranges::find(part.from, full) != part.from.end(); });
  };
  if (!stage.plan) return;
  for (const std::string& output : stage.plan->outputs())
    if (const std::string full = stage.name + "." + output; !reads(config.stages, full) && !reads(config.sinks, full))
      reader.warning_at("stages." + stage.name, fmt::format("nothing reads {}: its events end here, filtered", full),
                        "");
}

void warn_dead_ends(Reader& reader, const Graph& graph, const Config& config) {
  for (const Source& source : config.sources)
    if (!source.is_consumer() && !graph.is_read(source.name))
      reader.warning_at("sources." + source.name, "leads nowhere: nothing reads from it", "name it in a sink's from");
  for (const Stage& stage : config.stages)
    if (!graph.is_read(stage.name))
      reader.warning_at("stages." + stage.name, "leads nowhere: nothing reads from it", "name it in a sink's from");
    else
      warn_unread_outputs(reader, config, stage);
}

/// Whether the types of all sinks that a source's events can reach are known.
bool is_known(const Graph& graph, const Draft& draft, const Source& source) {
  if (draft.broken.contains(source.name) || draft.broken.contains(source.dead_letter)) return false;
  return std::ranges::none_of(graph.sinks_of(source), [&](const Sink* sink) {
    return draft.broken.contains(sink->name) || draft.broken.contains(sink->dead_letter);
  });
}

}  // namespace

Carried carried_by(const Graph& graph, const Sink& sink) {
  Carried carried = carried_alone(sink);
  if (const Sink* target = graph.sink(sink.dead_letter)) lower(carried, carried_alone(*target));
  return carried;
}

Carried carried_by(const Graph& graph, const Source& source, const SourceType& type) {
  Carried carried;
  bool required = false;
  for (const Sink* sink : graph.sinks_of(source)) {
    if (!sink->required && !source.is_consumer()) continue;
    required = true;
    lower(carried, carried_by(graph, *sink));
    for (const Stage* stage : graph.stages_between(source, *sink))
      if (stage->plan)
        lower(carried, {stage->plan->strongest(),
                        fmt::format("stages.{} is on its way: {}", stage->name, stage->plan->why_weaker()), ""});
  }
  if (const Sink* target = graph.sink(source.dead_letter)) lower(carried, carried_alone(*target));
  if (!required) lower(carried, {Level::accepted, "it leads to no required sink", ""});
  lower(carried,
        {type.strongest, fmt::format("a source of type {} can give {} at most", type.name, name(type.strongest)), ""});
  if (!type.can.can_refuse && !type.can.can_replay)
    lower(carried,
          {Level::processed, fmt::format("a source of type {} can neither refuse nor read again", type.name), ""});
  return carried;
}

bool check_flow(Reader& reader, const Catalog& catalog, Draft& draft) {
  Config& config = draft.config;
  if (!check_names(reader, config)) return false;
  add_consumers(config);
  add_dead_letters(reader, catalog, draft);
  const Graph graph(config);
  fill_reserves(reader, graph, config);
  for (Source& source : config.sources)
    if (is_known(graph, draft, source)) check_acks(reader, catalog, graph, *catalog.source(source.type), source);
  check_journals(reader, catalog, graph, draft);
  check_own_output(reader, catalog, graph, draft);
  check_places(reader, catalog, draft);
  if (draft.broken.empty()) warn_missing_attributes(reader, catalog, graph, config);
  for (const Sink& sink : config.sinks) {
    check_edge(reader, catalog, graph, sink);
    check_largest_event(reader, graph, draft, sink);
  }
  check_parts(reader, catalog, draft);
  check_spills(reader, graph, draft);
  check_waiting_stages(reader, catalog, graph, config);
  warn_dead_ends(reader, graph, config);
  if (draft.broken.empty()) warn_several_ways(reader, config);
  return true;
}

}  // namespace weir::config
