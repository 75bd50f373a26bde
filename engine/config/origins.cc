// Attributes that are read where events have none: always missing, which nobody means.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/checks.h"

namespace weir::config {
namespace {

class Origins {
 public:
  Origins(const Config& config, const Catalog& catalog) : config_(config), catalog_(catalog) {}

  /// What some event that comes out of this part carries.
  const Attributes& of(std::string_view part) {
    const auto known = seen_.find(part);
    return known != seen_.end() ? known->second : seen_.emplace(part, look_at(part)).first->second;
  }
  Attributes into(const Stage& stage) {
    Attributes all;
    for (const std::string& from : stage.from) all.add(of(part_of(from)));
    return all;
  }

 private:
  Attributes look_at(std::string_view part) {
    if (const auto source = std::ranges::find(config_.sources, part, &Source::name); source != config_.sources.end()) {
      Attributes all{Attribute::source, Attribute::received};
      if (const SourceType* type = catalog_.source(source->type)) all.add(type->origin);
      return all;
    }
    const auto stage = std::ranges::find(config_.stages, part, &Stage::name);
    if (stage == config_.stages.end()) return {Attribute::received};  // a journal
    if (stage->merges()) return {Attribute::source, Attribute::received};
    return into(*stage);
  }

  const Config& config_;
  const Catalog& catalog_;
  std::map<std::string, Attributes, std::less<>> seen_;
};

std::string listed(const Attributes& attributes) {
  std::string all;
  for (std::size_t i = 0; i < attribute_names.size(); ++i)
    if (attributes.has(static_cast<Attribute>(i)))
      all += fmt::format("{}@{}", all.empty() ? "" : ", ", attribute_names[i]);
  return all;
}

struct Missing {
  std::string why, fix;
};

Missing explain(const Graph& graph, const Config& config, const Stage& stage, Attribute attribute,
                const Attributes& there) {
  const auto name = attribute_names[static_cast<std::size_t>(attribute)];
  const std::string member = fmt::format("a map with set: {{ .{}: @{} }}", name, name);
  for (const Sink& sink : config.sinks)
    if (sink.is_journal && graph.leads_to(sink.name, stage.name))
      return {fmt::format("reads @{} behind {}, which keeps events and not where they came from: {}", name, sink.path(),
                          attribute == Attribute::source ? "here it names the journal's reader" : "here it is missing"),
              fmt::format("make it a member in front of the journal: {}", member)};
  for (const Stage& other : config.stages)
    if (other.merges() && &other != &stage && graph.leads_to(other.name, stage.name))
      return {fmt::format("reads @{} behind stages.{}, which makes new events: here it is missing", name, other.name),
              fmt::format("make it a member in front of that: {}", member)};
  return {fmt::format("reads @{}, and no source in front of it says that: it is always missing", name),
          fmt::format("there are {}", listed(there))};
}

}  // namespace

void warn_missing_attributes(Reader& reader, const Catalog& catalog, const Graph& graph, const Config& config) {
  Origins origins(config, catalog);
  for (const Stage& stage : config.stages) {
    const Attributes read = stage.plan ? stage.plan->reads() : Attributes{};
    if (read.empty()) continue;
    const Attributes there = origins.into(stage);
    for (std::size_t i = 0; i < attribute_names.size(); ++i) {
      const auto attribute = static_cast<Attribute>(i);
      if (!read.has(attribute) || there.has(attribute)) continue;
      const Missing missing = explain(graph, config, stage, attribute, there);
      reader.warning_at("stages." + stage.name, missing.why, missing.fix);
    }
  }
}

}  // namespace weir::config
