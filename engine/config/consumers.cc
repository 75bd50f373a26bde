// Journals in the graph: who reads them, and what that forbids.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/checks.h"

namespace weir::config {
namespace {

bool reads_any(const Node& node, const std::set<std::string, std::less<>>& parts) {
  return std::ranges::any_of(node.from, [&](const std::string& from) { return parts.contains(part_of(from)); });
}

Source consumer_of(const Sink& journal, const Node& end, std::string path, const JournalConsumer& said) {
  Source source;
  source.type = journal_type_name(journal.type);
  source.journal = journal.name;
  source.only_to = end.name;
  source.consumer = said;
  if (source.consumer.name.empty()) source.consumer.name = end.name;
  source.name = journal.name + ":" + source.consumer.name;
  source.location = end.location;
  source.place_path = std::move(path);
  source.acks = Level::stored;
  return source;
}

/// The stages that events of this journal pass before they are merged or end.
std::set<std::string, std::less<>> reached_from(const Config& config, const Sink& journal) {
  std::set<std::string, std::less<>> parts{journal.name};
  for (bool grew = true; grew;) {
    grew = false;
    for (const Stage& stage : config.stages)
      if (!stage.merges() && reads_any(stage, parts)) grew = parts.insert(stage.name).second || grew;
  }
  return parts;
}

void refuse_letters_that_come_back(Reader& reader, const Graph& graph, const std::string& path,
                                   const std::string& dead_letter, const std::vector<const Source*>& sources) {
  const Sink* target = graph.sink(dead_letter);
  const auto reads_it = [&](const Source* source) { return source->journal == target->name; };
  if (target && target->is_journal && std::ranges::any_of(sources, reads_it))
    reader.error_at(path + ".dead_letter",
                    fmt::format("its dead letters would come back to it by journals.{}", target->name),
                    "name a sink or journal that does not lead here");
}

}  // namespace

std::string journal_type_name(std::string_view type) { return fmt::format("journal {}", type); }

void add_consumers(Config& config) {
  for (const Sink& journal : config.sinks) {
    if (!journal.is_journal) continue;
    const auto parts = reached_from(config, journal);
    for (const Stage& stage : config.stages)
      if (stage.merges() && reads_any(stage, parts))
        config.sources.push_back(consumer_of(journal, stage, "stages." + stage.name, {}));
    for (const Sink& sink : config.sinks)
      if (reads_any(sink, parts)) config.sources.push_back(consumer_of(journal, sink, sink.path(), sink.consumer));
  }
  // Its events have the priorities they came with: which ones, only they know.
  const bool prioritised = std::ranges::any_of(config.sources, &Source::has_priorities);
  for (Source& source : config.sources)
    source.has_priorities = source.has_priorities || (source.is_consumer() && prioritised);
}

void check_journals(Reader& reader, const Catalog& catalog, const Graph& graph, const Draft& draft) {
  const Config& config = draft.config;
  std::set<std::pair<std::string, std::string>> cursors;
  for (const Source& source : config.sources) {
    if (!source.is_consumer()) continue;
    if (!cursors.emplace(source.journal, source.consumer.name).second)
      reader.error_at(
          source.path(),
          fmt::format("reads journals.{} as consumer {}, and so does another", source.journal, source.consumer.name),
          "give each a consumer: of its own");
    const Sink* journal = graph.sink(source.journal);
    const auto forgotten = journal->options.get_or<std::vector<std::string>>("forget", {});
    if (std::ranges::find(forgotten, source.consumer.name) != forgotten.end())
      reader.error_at(journal->path() + ".forget",
                      fmt::format("names {}, by which {} reads", source.consumer.name, source.path()),
                      "take it out of the list: only what nobody reads by can be forgotten");
    const JournalType* type = catalog.journal(journal->type);
    if (type && !draft.broken.contains(journal->name) && type->may_drop && type->may_drop(journal->options) &&
        source.consumer.holds)
      reader.error_at(journal->path() + ".when_full",
                      fmt::format("drops what {} has not read, which may miss nothing", source.path()),
                      fmt::format("use block, or say {}.consumer: {{ when_behind: skip }}", source.path()));
  }
  for (const Sink& sink : config.sinks) {
    const auto& sources = graph.sources_of(sink);
    const bool reads_journal = std::ranges::any_of(sources, &Source::is_consumer);
    if (reader.given(sink.path() + ".consumer") && !reads_journal)
      reader.error_at(sink.path() + ".consumer", "reads no journal, so there is no place to keep", "remove it");
    if (!sink.consumer.holds && sink.required)
      reader.error_at(sink.path() + ".consumer", "may skip events, but this sink is required",
                      "add required: false, or remove when_behind: skip");
    refuse_letters_that_come_back(reader, graph, sink.path(), sink.dead_letter, sources);
  }
  for (const Stage& stage : config.stages)
    refuse_letters_that_come_back(reader, graph, "stages." + stage.name, stage.dead_letter,
                                  graph.sources_of(stage.name));
}

}  // namespace weir::config
