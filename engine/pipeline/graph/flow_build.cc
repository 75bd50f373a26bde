// From configuration to graph: nodes and routes. Nothing is opened here.
#include <algorithm>
#include <map>
#include <set>

#include "config/graph.h"
#include "config/memory.h"
#include "pipeline/graph/flow.h"
#include "pipeline/graph/running.h"
#include "pipeline/route/merge_node.h"

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
    : config_(config), catalog_(catalog), context_(context), budget_(config.memory.budget), ids_(context.rng().next()) {
  for (const auto& source : config_.sources) taps_.add(source.name);
  for (const auto& stage : config_.stages) taps_.add(stage.name);
  for (const auto& sink : config_.sinks) taps_.add(sink.name);
  build_sinks();
  build_stages(catalog);
  build_routes();
}

Flow::~Flow() { stop(Duration{0}); }

void Flow::build_sinks() {
  Rng seeds = context_.rng();
  int index = 0;
  for (const auto& sink : config_.sinks)
    sinks_.push_back(std::make_unique<SinkNode>(sink, ids_, context_, index++, seeds.next()));
  for (const auto& sink : config_.sinks)
    if (!sink.dead_letter.empty()) find(sinks_, sink.name)->dead_letters = find(sinks_, sink.dead_letter);
  for (const auto& sink : config_.sinks) {
    if (!sink.spills()) continue;
    SinkNode& node = *find(sinks_, sink.name);
    node.put(
        std::make_unique<Spill>(Spill::Setup{sink.name, sink.spill, sink.queue, config::spill_memory(config_, sink),
                                             seeds.next(), floor_events(sink)},
                                node.queue, budget_, context_, journal::system_disk(sink.spill.mode)));
  }
}

void Flow::build_stages(const Catalog& catalog) {
  for (const auto& stage : config_.stages) {
    auto node = std::make_unique<StageNode>();
    node->name = stage.name;
    const StageType* type = catalog.stage(stage.type);
    auto plan = type->compile(stage.options, context_);
    WEIR_CHECK(plan.has_value());  // it has been compiled by the configuration already
    node->plan = std::move(*plan);
    node->tap = taps_.find(stage.name);
    for (const std::string& output : node->plan->outputs())
      node->output_taps.push_back(&taps_.add(stage.name + "." + output));
    if (!stage.dead_letter.empty()) node->dead_letters = find(sinks_, stage.dead_letter);
    if (Merger* merger = node->plan->merger()) node->merge = std::make_unique<MergeNode>(*merger);
    stages_.push_back(std::move(node));
  }
}

void Flow::build_routes() {
  Rng seeds = context_.rng();
  for (const auto& source : config_.sources) {
    if (source.is_consumer())
      consumer_budgets_.push_back(std::make_unique<Budget>(config::consumer_memory(config_, catalog_, source)));
    Budget& budget = source.is_consumer() ? *consumer_budgets_.back() : budget_;
    auto node = std::make_unique<SourceNode>(source, budget, ids_, context_, seeds.next());
    lead(*node, source);
    if (!source.dead_letter.empty()) node->dead_letters = find(sinks_, source.dead_letter);
    sources_.push_back(std::move(node));
  }
  build_merges();
}

void Flow::lead(SourceNode& origin, const config::Source& source) {
  origin.route = route_of(source);
  origin.route.tap = taps_.find(origin.name);
  for (const auto& step : origin.route.steps) origin.route.reads.add(step.stage->plan->reads());
  origin.route.source = origin_text(origin.name);
  for (const auto& delivery : origin.route.deliveries) {
    SinkNode* sink = find(sinks_, delivery.queue->name());
    if (delivery.required) {
      origin.required.push_back(sink);
      sink->senders_wait(origin.senders_wait());
    }
    (source.is_consumer() ? sink->fed_by_journals : sink->fed_by_senders) = true;
  }
}

Flow::MergeStage::MergeStage(StageNode& stage, const config::Source& as_source, Bytes memory, Ids& ids,
                             const Context& context, std::uint64_t seed)
    : stage(stage), budget(memory), origin(as_source, budget, ids, context, seed) {}

void Flow::build_merges() {
  Rng seeds = context_.rng();
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (!stages_[i]->merge) continue;
    config::Source source;  // as the flow behind it sees it
    source.name = stages_[i]->name;
    source.type = config_.stages[i].type;
    source.acks = Level::stored;
    merges_.push_back(std::make_unique<MergeStage>(*stages_[i], source, config::merge_outputs(config_), ids_, context_,
                                                   seeds.next()));
    lead(merges_.back()->origin, source);
  }
  // Upstream first: an event that moves while a stop checks whether all is quiet is then seen further down.
  const auto feeds = [](const auto& a, const auto& b) {
    return std::ranges::any_of(a->origin.route.merges,
                               [&](const Route::Merge& m) { return m.node == b->stage.merge.get(); });
  };
  for (std::size_t done = 0; done + 1 < merges_.size(); ++done)
    for (std::size_t i = done + 1; i < merges_.size(); ++i)
      if (feeds(merges_[i], merges_[done])) std::swap(merges_[done], merges_[i]), i = done;
}

Route::Input Flow::input_of(const StepOf& step_of, std::string_view from) const {
  Route::Input input{step_of.find(config::part_of(from))->second, 0};
  if (input.step == Route::raw || config::output_of(from).empty()) return input;
  const auto outputs = find(stages_, config::part_of(from))->plan->outputs();
  input.output = static_cast<std::uint8_t>(std::ranges::find(outputs, config::output_of(from)) - outputs.begin());
  return input;
}

/// The stages in the order in which events of this origin meet them, each with its step. Events do not go through a
/// merging stage: what comes out of it has an origin of its own.
std::vector<std::size_t> Flow::order_from(const config::Source& source, StepOf& step_of) const {
  const std::string& origin = source.root();
  std::set<std::string, std::less<>> reached{origin};
  const config::Graph graph(config_);
  const auto is_on_its_way = [&](const std::string& stage) {
    return !source.is_consumer() || graph.leads_to(stage, source.only_to);
  };
  const auto comes_from = [&](const std::string& from) {
    const auto part = config::part_of(from);
    const StageNode* stage = find(stages_, part);
    return reached.contains(part) && (part == origin || !stage || !stage->merge);
  };
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& stage : config_.stages)
      if (stage.name != origin && is_on_its_way(stage.name) && std::ranges::any_of(stage.from, comes_from))
        grew = reached.insert(stage.name).second || grew;
  }
  // Stages may stand in any order in the file: each gets its step once all of its inputs that are reached have theirs.
  std::vector<std::size_t> order;
  step_of[origin] = Route::raw;
  const auto waits = [&](const std::string& from) {
    return comes_from(from) && !step_of.contains(config::part_of(from));
  };
  while (step_of.size() < reached.size())
    for (std::size_t i = 0; i < config_.stages.size(); ++i) {
      const auto& stage = config_.stages[i];
      if (!reached.contains(stage.name) || step_of.contains(stage.name) || std::ranges::any_of(stage.from, waits))
        continue;
      step_of[stage.name] = static_cast<int>(order.size());
      order.push_back(i);
    }
  return order;
}

/// The way of this origin's events, as indexes that a Port can follow without look-ups by name.
///
/// Steps come in topological order, so one pass over them answers every event, and a step's growth (how much longer an
/// event can get from the origin to there) can be taken from its inputs. Of the names in a `from`, only those count
/// that events of this origin reach: a stage may read from several sources, and each source has a route of its own.
/// Nothing passes through a merging stage: its outputs have an origin of their own.
///
/// `read` marks the outputs that a step or a sink of this route takes; an event on any other output ends filtered at
/// its stage. Deliveries to optional sinks stand first, because the last required one takes over what the origin owes
/// (Port::branch). The route of a consumer leaves out every end but its own (decision 0011).
Route Flow::route_of(const config::Source& origin) const {
  Route route;
  StepOf step_of;  // of the nodes that events of this origin reach
  const auto order = order_from(origin, step_of);
  const auto inputs_of = [&](const std::vector<std::string>& all) {
    std::vector<Route::Input> inputs;
    for (const auto& from : all) {
      const auto at = step_of.find(config::part_of(from));
      if (at == step_of.end()) continue;
      if (at->second != Route::raw && stages_[order[static_cast<std::size_t>(at->second)]]->merge) continue;
      inputs.push_back(input_of(step_of, from));
    }
    return inputs;
  };
  const config::Graph graph(config_);
  const auto is_required = [&](const std::string& stage) {
    return origin.is_consumer() || std::ranges::any_of(config_.sinks, [&](const auto& sink) {
             return sink.required && graph.leads_to(stage, sink);
           });
  };
  for (const std::size_t i : order) {
    Route::Step step{stages_[i].get(), inputs_of(config_.stages[i].from), {}};
    step.growth = route.growth_of(step.inputs);
    const Growth own = stages_[i]->plan->growth();
    step.growth = {step.growth.factor * own.factor, step.growth.plus * own.factor + own.plus};
    if (stages_[i]->merge)
      route.merges.push_back(
          {static_cast<int>(route.steps.size()), stages_[i]->merge.get(), is_required(config_.stages[i].name)});
    route.steps.push_back(std::move(step));
  }
  const auto mark_read = [&](const std::vector<Route::Input>& inputs) {
    for (const auto& input : inputs) {
      if (input.step == Route::raw) continue;
      auto& read = route.steps[static_cast<std::size_t>(input.step)].read;
      if (read.size() <= input.output) read.resize(input.output + 1u);
      read[input.output] = true;
    }
  };
  for (const auto& step : std::vector(route.steps)) mark_read(step.inputs);
  for (const bool required : {false, true})
    for (const auto& sink : config_.sinks) {
      // For its consumer every sink is required: the cursor must not move past events that the sink does not have.
      if ((sink.required || origin.is_consumer()) != required) continue;
      if (origin.is_consumer() && sink.name != origin.only_to) continue;
      Route::Delivery delivery{inputs_of(sink.from), &find(sinks_, sink.name)->queue, required, {}};
      delivery.growth = route.growth_of(delivery.inputs);
      delivery.tap = taps_.find(sink.name);
      mark_read(delivery.inputs);
      if (!delivery.inputs.empty()) route.deliveries.push_back(std::move(delivery));
    }
  return route;
}

std::vector<Link> Flow::links() const {
  std::vector<Link> links;
  auto add = [&](const config::Node& node) {
    for (const auto& from : node.from) links.push_back({std::string(config::part_of(from)), node.name});
  };
  std::ranges::for_each(config_.stages, add);
  std::ranges::for_each(config_.sinks, add);
  return links;
}

SourceNode& Flow::source(std::string_view name) { return *find(sources_, name); }
Flow::MergeStage& Flow::merge_stage(std::string_view name) {
  return **std::ranges::find(merges_, name, [](const auto& merge) { return std::string_view(merge->stage.name); });
}
SinkNode& Flow::sink(std::string_view name) { return *find(sinks_, name); }

}  // namespace weir::pipeline
