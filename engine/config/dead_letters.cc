// A sink that gets events from a source that reads again what is not stored needs a way out for what it refuses for
// good: without one such an event would come back for ever. Where the file names none, it gets a bounded file of its
// own.
#include <fmt/format.h>

#include <algorithm>

#include "config/checks.h"

namespace weir::config {
namespace {

constexpr std::size_t longest_name = 64;
constexpr Bytes least_queue = 1_MiB;

bool gives_lines(const Catalog& catalog, const Source& source) {
  const SourceType* type = source.is_consumer() ? nullptr : catalog.source(source.type);
  return type && type->makes_lines;
}

bool may_refuse(const Catalog& catalog, const Graph& graph, const Sink& sink) {
  const SinkType* type = catalog.sink(sink.type);
  const Refuses refuses = type && type->refuses ? type->refuses(sink.options) : Refuses::any;
  if (refuses != Refuses::line_feeds) return refuses == Refuses::any;
  return !std::ranges::all_of(graph.sources_of(sink), [&](const Source* s) { return gives_lines(catalog, *s); });
}

/// As if it had been written at the sink.
YamlEntry file_of(const std::string& name, const Sink& sink, Bytes queue) {
  const auto scalar = [&](std::string text) {
    return Yaml{Yaml::Kind::scalar, std::move(text), sink.location, {}, {}};
  };
  const auto map = [&](std::vector<YamlEntry> entries) {
    return Yaml{Yaml::Kind::map, {}, sink.location, {}, std::move(entries)};
  };
  const auto entry = [&](const char* key, Yaml value) { return YamlEntry{key, sink.location, std::move(value)}; };
  return {name, sink.location,
          map({entry("type", scalar("file")), entry("path", scalar(own_letters_path(sink))),
               entry("rotate_size", scalar(to_text(own_letters_file))),
               entry("rotate_keep", scalar(std::to_string(own_letters_kept))),
               entry("queue", map({entry("max_bytes", scalar(to_text(queue)))}))})};
}

}  // namespace

bool needs_way_out(const Catalog& catalog, const Graph& graph, const Sink& sink) {
  return sink.required && !sink.is_journal && sink.dead_letter.empty() && sink.on_failure == Sink::OnFailure::fail &&
         may_refuse(catalog, graph, sink);
}

std::string own_letters_path(const Sink& sink) { return "data/dead_letters/" + sink.name + ".ndjson"; }

void add_dead_letters(Reader& reader, const Catalog& catalog, Draft& draft) {
  if (!catalog.sink("file")) return;
  struct Missing {
    std::string sink;
    YamlEntry file;
  };
  std::vector<Missing> all;
  {
    const Graph graph(draft.config);
    for (const Source& source : draft.config.sources) {
      const SourceType* type = catalog.source(source.type);
      if (!type || !type->can.can_replay || draft.broken.contains(source.name)) continue;
      const bool stored = !source.is_consumer() && reader.given(source.path() + ".acks")
                              ? source.acks == Level::stored
                              : carried_by(graph, source, *type).level == Level::stored;
      for (const Sink* sink : graph.sinks_of(source)) {
        const std::string name = sink->name + "_dead_letters";
        const bool known = std::ranges::find(all, sink->name, &Missing::sink) != all.end();
        if (!stored || known || name.size() > longest_name || draft.broken.contains(sink->name) ||
            reader.given(sink->path() + ".on_failure") || !needs_way_out(catalog, graph, *sink) ||
            reader.given("sources." + name) || reader.given("stages." + name) || reader.given("journals." + name) ||
            reader.given("sinks." + name))
          continue;
        Bytes queue = least_queue;
        for (const Source* from : graph.sources_of(*sink))
          if (from->options.has("max_event")) queue = std::max(queue, from->options.size("max_event") * 2);
        all.push_back({sink->name, file_of(name, *sink, queue)});
      }
    }
  }
  for (const Missing& missing : all) {
    read_sink(reader, missing.file, catalog, draft);
    draft.config.sinks.back().is_dead_letter_target = true;
    const auto sink = std::ranges::find(draft.config.sinks, missing.sink, &Sink::name);
    sink->dead_letter = missing.file.key;
    sink->has_own_letters = true;
  }
}

}  // namespace weir::config
