#include "config/shrink.h"

#include <algorithm>
#include <functional>

#include "config/memory.h"

namespace weir::config {
namespace {

constexpr int most_halvings = 12;
constexpr Bytes least_batch = 64_KiB;
constexpr Bytes least_letters = 1_MiB;

/// A value of the configuration that nobody has written, and how it is changed.
struct Default {
  std::string path;
  std::uint64_t usual, least;
  std::function<void(std::uint64_t)> set;
  std::function<std::string(std::uint64_t)> text;
  std::uint64_t halved(int k) const { return std::max(std::min(least, usual), usual >> k); }
};

std::string size_text(std::uint64_t n) { return to_text(Bytes(n)); }
std::string count_text(std::uint64_t n) { return std::to_string(n); }

class Defaults {
 public:
  Defaults(const Reader& reader, const Catalog& catalog, Config& config) : reader_(reader), graph_(config) {
    if (!reader.given("batch_bytes")) add("batch_bytes", config.batch_bytes, least_batch);
    for (Source& source : config.sources)
      if (!source.is_consumer())
        add_options(source, source.path(), catalog.source(source.type)->options, [] { return Bytes{}; });
    for (Sink& sink : config.sinks) add_sink(catalog, sink);
  }

  void shrink(int k) const {
    for (const Default& value : all_) value.set(value.halved(k));
  }
  std::vector<ShrunkDefault> shrunk(int k) const {
    std::vector<ShrunkDefault> out;
    for (const Default& value : all_)
      if (value.halved(k) != value.usual)
        out.push_back({value.path, value.text(value.halved(k)), value.text(value.usual)});
    return out;
  }

 private:
  void add(std::string path, Bytes& place, Bytes least) {
    all_.push_back(
        {std::move(path), place.count(), least.count(), [&place](std::uint64_t n) { place = Bytes(n); }, size_text});
  }

  void add_sink(const Catalog& catalog, Sink& sink) {
    const auto& options = sink.is_journal ? catalog.journal(sink.type)->options : catalog.sink(sink.type)->options;
    add_options(sink, sink.path(), options, [&] { return largest_event_behind_stages(graph_, sink); });
    const std::string queue = sink.path() + ".queue.max_bytes";
    if (sink.is_dead_letter_target && !reader_.given(queue))
      add(queue, sink.queue.bound.bytes, std::max(least_letters, largest_event(graph_, sink) * 4));
  }

  template <typename Largest>
  void add_options(Node& node, const std::string& path, const std::vector<OptionSpec>& specs, const Largest& largest) {
    for (const OptionSpec& spec : specs) {
      std::string full = path + "." + spec.name;
      if (!spec.shrinks || !spec.fallback || reader_.given(full)) continue;
      const std::uint64_t events = spec.shrinks->events > 0 ? largest().count() * spec.shrinks->events : 0;
      Options& options = node.options;
      if (spec.kind == OptionKind::size)
        all_.push_back({std::move(full), options.size(spec.name).count(),
                        std::max(parse_size(spec.shrinks->least).value().count(), events),
                        [&options, name = spec.name](std::uint64_t n) { options.set(name, Bytes(n)); }, size_text});
      else
        all_.push_back({std::move(full), options.count(spec.name), parse_count(spec.shrinks->least).value(),
                        [&options, name = spec.name](std::uint64_t n) { options.set(name, n); }, count_text});
    }
  }

  const Reader& reader_;
  const Graph graph_;
  std::vector<Default> all_;
};

}  // namespace

void shrink_defaults(const Reader& reader, const Catalog& catalog, Config& config) {
  const Defaults defaults(reader, catalog, config);
  MemoryTable& table = config.memory;
  const int usual = config.reactors;
  const int fewest = config.automatic_reactors ? 1 : usual;
  const Bytes needed = needed_budget(config);
  for (const Bytes wanted : {std::max(needed, Bytes(table.memory.count() / 4)), needed})
    for (int reactors = usual; reactors >= fewest; reactors = reactors > 1 ? reactors / 2 : 0)
      for (int k = 0; k <= most_halvings; ++k) {
        config.reactors = reactors;
        defaults.shrink(k);
        sum_memory(catalog, config);
        if (table.budget < wanted) continue;
        table.shrunk = defaults.shrunk(k);
        if (reactors != usual)
          table.shrunk.insert(table.shrunk.begin(), {"reactors", std::to_string(reactors), std::to_string(usual)});
        return;
      }
}

}  // namespace weir::config
