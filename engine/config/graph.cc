#include "config/graph.h"

#include <algorithm>
#include <set>

namespace weir::config {

Graph::Graph(const Config& config) : config_(config) {
  for (const Source& source : config.sources) sources_[source.root()].push_back(&source);
  for (const Stage& stage : config.stages) from_[stage.name] = &stage.from;
  for (const Sink& sink : config.sinks) from_[sink.name] = &sink.from;
  for (const Stage& stage : config.stages) resolve(stage.name);
  for (const Sink& sink : config.sinks) into_[sink.name] = collect(sink.name, sink.from);
}

const std::vector<const Source*>& Graph::resolve(const std::string& part) {
  if (const auto at = sources_.find(part); at != sources_.end()) return at->second;
  const auto at = from_.find(part);
  auto found = at == from_.end() ? std::vector<const Source*>{} : collect(part, *at->second);
  return sources_[part] = std::move(found);
}

std::vector<const Source*> Graph::collect(const std::string& part, const std::vector<std::string>& from) {
  std::vector<const Source*> found;
  for (const std::string& before : from)
    for (const Source* source : resolve(std::string(part_of(before))))
      if (std::ranges::find(found, source) == found.end() && may_pass(*source, part)) found.push_back(source);
  return found;
}

/// A consumer's events go to its own sink and nowhere else; behind a merging stage they go wherever that leads.
bool Graph::may_pass(const Source& source, const std::string& part) const {
  return !source.is_consumer() || leads_to(part, source.only_to) || leads_to(source.only_to, part);
}

const std::vector<const Source*>& Graph::sources_of(std::string_view part) const {
  static const std::vector<const Source*> none;
  const auto at = sources_.find(std::string(part));
  return at == sources_.end() ? none : at->second;
}

const std::vector<const Source*>& Graph::sources_of(const Sink& sink) const { return into_.find(sink.name)->second; }

std::vector<const Source*> Graph::all_sources_of(const Sink& sink) const {
  std::vector<const Source*> found = sources_of(sink);
  const auto add = [&](const Source* source) {
    if (std::ranges::find(found, source) == found.end()) found.push_back(source);
  };
  for (const Source& source : config_.sources)
    if (source.dead_letter == sink.name) add(&source);
  for (const Stage& stage : config_.stages)
    if (stage.dead_letter == sink.name)
      for (const Source* source : sources_of(stage.name)) add(source);
  for (const Sink& other : config_.sinks)
    if (other.dead_letter == sink.name)
      for (const Source* source : sources_of(other)) add(source);
  return found;
}

std::vector<const Sink*> Graph::sinks_of(const Source& source) const {
  std::vector<const Sink*> found;
  for (const Sink& sink : config_.sinks)
    if (std::ranges::find(sources_of(sink), &source) != sources_of(sink).end()) found.push_back(&sink);
  return found;
}

bool Graph::leads_to(std::string_view part, std::string_view end) const {
  std::vector<std::string_view> open{end};
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (open[i] == part) return true;
    if (i > 0 && is_root(open[i])) continue;  // a journal: its consumers' way
    if (const auto at = from_.find(std::string(open[i])); at != from_.end())
      for (const std::string& from : *at->second)
        if (std::ranges::find(open, part_of(from)) == open.end()) open.push_back(part_of(from));
  }
  return false;
}

std::vector<const Stage*> Graph::stages_between(const Source& source, const Sink& sink) const {
  std::vector<const Stage*> found;
  for (const Stage& stage : config_.stages)
    if (std::ranges::find(sources_of(stage.name), &source) != sources_of(stage.name).end() &&
        leads_to(stage.name, sink.name))
      found.push_back(&stage);
  return found;
}

bool Graph::is_root(std::string_view part) const {
  return std::ranges::any_of(config_.sources, [&](const Source& source) { return source.root() == part; });
}

bool Graph::is_read(std::string_view part) const {
  return std::ranges::any_of(from_, [&](const auto& entry) {
    return std::ranges::any_of(*entry.second, [&](const auto& from) { return part_of(from) == part; });
  });
}

const Sink* Graph::sink(std::string_view name) const {
  const auto at = std::ranges::find(config_.sinks, name, &Sink::name);
  return at == config_.sinks.end() ? nullptr : &*at;
}

int Graph::priorities_of(std::string_view part) const {
  std::set<Priority> priorities;
  for (const Source* source : sources_of(part)) {
    if (!source->has_priorities) {
      priorities.insert(Priority::normal);
    } else if (!source->priorities.from_header() &&
               !source->priorities.from_body()) {  // it makes priorities of its own: any
      return priority_count;
    } else {
      priorities.insert(source->priorities.fallback);
      for (const auto& [text, priority] : source->priorities.map) priorities.insert(priority);
    }
  }
  return std::max<int>(1, static_cast<int>(priorities.size()));
}

}  // namespace weir::config
