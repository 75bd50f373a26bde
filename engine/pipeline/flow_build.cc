// From configuration to graph: nodes and routes. Nothing is opened here.
#include <algorithm>
#include <map>
#include <set>

#include "pipeline/flow.h"
#include "pipeline/running.h"

namespace weir::pipeline {
namespace {

template <typename T>
T* find(const std::vector<std::unique_ptr<T>>& nodes, std::string_view name) {
  for (const auto& node : nodes)
    if (node->name == name) return node.get();
  return nullptr;
}

}  // namespace

Flow::Flow(const config::Config& config, const Catalog& catalog, const Context& context)
    : config_(config), catalog_(catalog), context_(context), budget_(config.memory.budget), ids_(context.wall()) {
  build_sinks();
  build_stages(catalog);
  build_routes();
}

Flow::~Flow() {
  if (!workers_.empty() || !running_.empty()) stop(Duration{0});
}

void Flow::build_sinks() {
  Rng seeds = context_.rng();
  int index = 0;
  for (const auto& sink : config_.sinks)
    sinks_.push_back(std::make_unique<SinkNode>(sink, ids_, index++, seeds.next()));
  for (const auto& sink : config_.sinks)
    if (!sink.dead_letter.empty()) find(sinks_, sink.name)->dead_letters = find(sinks_, sink.dead_letter);
}

void Flow::build_stages(const Catalog& catalog) {
  for (const auto& stage : config_.stages) {
    auto node = std::make_unique<StageNode>();
    node->name = stage.name;
    const StageType* type = catalog.stage(stage.type);
    node->make = [type, options = stage.options]() {
      auto made = type->make(options);
      WEIR_CHECK(made.has_value());  // the configuration has compiled it before
      return std::move(*made);
    };
    stages_.push_back(std::move(node));
  }
}

void Flow::build_routes() {
  Rng seeds = context_.rng();
  for (const auto& source : config_.sources) {
    auto node = std::make_unique<SourceNode>(source, budget_, ids_, context_, seeds.next());
    node->route = route_of(source);
    if (!source.dead_letter.empty()) node->dead_letters = find(sinks_, source.dead_letter);
    for (const auto& delivery : node->route.deliveries)
      if (delivery.required) node->required.push_back(find(sinks_, delivery.inlet->name()));
    sources_.push_back(std::move(node));
  }
}

Route Flow::route_of(const config::Source& source) const {
  Route route;
  std::map<std::string, int, std::less<>> step_of;  // of the nodes that events of this source reach
  step_of[source.name] = Route::raw;
  std::set<std::string, std::less<>> reached{source.name};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& stage : config_.stages)
      if (std::ranges::any_of(stage.from, [&](const auto& from) { return reached.contains(from); }))
        grew = reached.insert(stage.name).second || grew;
  }
  // Stages may stand in any order in the file: each gets its step once all of its inputs that are reached have theirs.
  const auto waits = [&](const std::string& from) { return reached.contains(from) && !step_of.contains(from); };
  while (step_of.size() < reached.size())
    for (std::size_t i = 0; i < config_.stages.size(); ++i) {
      const auto& stage = config_.stages[i];
      if (!waits(stage.name) || std::ranges::any_of(stage.from, waits)) continue;
      Route::Step step{stages_[i].get(), {}};
      for (const auto& from : stage.from)
        if (auto parent = step_of.find(from); parent != step_of.end()) step.parents.push_back(parent->second);
      step_of[stage.name] = static_cast<int>(route.steps.size());
      route.steps.push_back(std::move(step));
    }
  for (const bool required : {false, true})
    for (const auto& sink : config_.sinks) {
      if (sink.required != required) continue;
      Route::Delivery delivery{{}, &find(sinks_, sink.name)->inlet, required};
      for (const auto& from : sink.from)
        if (auto step = step_of.find(from); step != step_of.end()) delivery.steps.push_back(step->second);
      if (!delivery.steps.empty()) route.deliveries.push_back(std::move(delivery));
    }
  return route;
}

std::vector<Link> Flow::links() const {
  std::vector<Link> links;
  auto add = [&](const config::Node& node) {
    for (const auto& from : node.from) links.push_back({from, node.name});
  };
  std::ranges::for_each(config_.stages, add);
  std::ranges::for_each(config_.sinks, add);
  return links;
}

SourceNode& Flow::source(std::string_view name) { return *find(sources_, name); }
SinkNode& Flow::sink(std::string_view name) { return *find(sinks_, name); }

}  // namespace weir::pipeline
