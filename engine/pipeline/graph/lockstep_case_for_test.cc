// Draws the random graphs of lockstep_for_test.h and makes the engine's configuration of them.
#include <charconv>

#include "pipeline/graph/lockstep_for_test.h"

namespace weir::model {
namespace {

using namespace std::chrono_literals;
using flow::WhenFull;

bool chance(Rng& rng, int percent) { return rng.below(100) < static_cast<std::uint64_t>(percent); }

std::vector<int> draw_from(Rng& rng, const Graph& graph) {
  const std::size_t nodes = graph.sources.size() + graph.stages.size();
  const auto draw = [&] {
    const auto node = rng.below(nodes);
    const bool splits =
        node >= graph.sources.size() && graph.stages[node - graph.sources.size()].kind == model::Stage::Kind::splits;
    return static_cast<int>(node) + (splits && chance(rng, 50) ? second_output : 0);
  };
  std::set<int> from{draw()};
  if (chance(rng, 30)) from.insert(draw());
  std::vector<int> in_order(from.begin(), from.end());
  if (chance(rng, 30)) std::ranges::reverse(in_order);
  return in_order;
}

WhenFull draw_drop(Rng& rng) {
  return static_cast<WhenFull>(static_cast<std::uint64_t>(WhenFull::drop_newest) + rng.below(4));
}

flow::EdgeConfig draw_queue(Rng& rng, bool may_block) {
  flow::EdgeConfig queue;
  queue.bound = {1 + rng.below(chance(rng, 50) ? 8 : 40), chance(rng, 60) ? 32_MiB : Bytes(20 + rng.below(600))};
  queue.pause_at = rng.uniform(0.5, 1.0);
  queue.resume_at = rng.uniform(0.0, 0.4);
  queue.when_full = !may_block || chance(rng, 40) ? draw_drop(rng)
                    : chance(rng, 80)             ? WhenFull::block
                                                  : WhenFull::reject;
  if (chance(rng, 40)) queue.reserved_for_high = 0.2;
  queue.age_boost = chance(rng, 50) ? 50ms : 5000ms;
  if (chance(rng, 15)) queue.expire_after = 300ms;
  if (chance(rng, 30)) queue.order = flow::Order::adaptive_lifo;
  return queue;
}

Sink draw_sink(Rng& rng, const Graph& graph) {
  Sink sink;
  sink.from = draw_from(rng, graph);
  sink.required = chance(rng, 75);
  sink.ack = static_cast<SinkAck>(rng.below(3));
  sink.queue = draw_queue(rng, sink.required);
  sink.most = {1 + rng.below(12), chance(rng, 70) ? 1_MiB : Bytes(20 + rng.below(200))};
  if (chance(rng, 15)) sink.linger = 40ms;
  sink.workers = chance(rng, 75) ? 1 : 2;
  sink.failure_fate = chance(rng, 70) ? Fate::failed : Fate::dropped;
  sink.failures_to_open = 1 + static_cast<int>(rng.below(4));
  sink.open = 500ms;
  sink.backoff_base = chance(rng, 50) ? 0ms : 20ms;
  sink.backoff_cap = 100ms;
  return sink;
}

// Dead letters are lines of JSON: their lengths are the engine's business, so this line is bounded in events only.
Sink draw_dead_letters(Rng& rng, const Graph& graph) {
  Sink dead_letters = draw_sink(rng, graph);
  dead_letters.from.clear();
  dead_letters.required = true;
  dead_letters.queue.bound.bytes = 1_GiB;
  dead_letters.most.bytes = 1_GiB;
  if (chance(rng, 70)) dead_letters.queue.when_full = WhenFull::block;
  return dead_letters;
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<int>& from) {
  std::vector<std::string> names;
  for (const int input : from) {
    const int stage = node_of(input) - static_cast<int>(graph.sources.size());
    std::string name = stage < 0 ? "source" + std::to_string(input) : "stage" + std::to_string(stage);
    if (stage >= 0 && graph.stages[static_cast<std::size_t>(stage)].kind == model::Stage::Kind::splits)
      name += input >= second_output ? ".divided" : ".other";
    names.push_back(std::move(name));
  }
  return names;
}

config::Sink sink_of(const Graph& graph, std::size_t i) {
  const Sink& from = graph.sinks[i];
  config::Sink to;
  to.name = "sink" + std::to_string(i);
  to.type = "scripted";
  to.from = names_of(graph, from.from);
  to.required = from.required;
  to.workers = from.workers;
  to.queue = from.queue;
  to.batch = {from.most, from.linger};
  to.destination.breaker = {.consecutive_failures = from.failures_to_open, .open = from.open};
  to.destination.backoff = {.base = from.backoff_base,
                            .cap = from.backoff_cap,
                            .jitter = flow::BackoffConfig::Jitter::additive,
                            .additive_most = Duration{0}};
  to.destination.retry_budget.minimum = PerSecond{1e9};
  to.on_failure = from.failure_fate == Fate::dropped ? config::Sink::OnFailure::drop : config::Sink::OnFailure::fail;
  if (from.dead_letters != nobody) to.dead_letter = "sink" + std::to_string(from.dead_letters);
  to.ack = from.ack;
  to.is_dead_letter_target = from.from.empty();
  return to;
}

class Modulo final : public weir::Stage {
 public:
  explicit Modulo(model::Stage stage) : stage_(std::move(stage)) {}
  Verdict take(const weir::Event& event, std::string& out) override {
    using Kind = model::Stage::Kind;
    const bool divides = stage_.divides(id_of(event.bytes));
    if (stage_.kind == Kind::splits) return Verdict::passed(divides ? 1 : 0);
    if (stage_.kind == Kind::grows) {
      out.append(event.bytes).append(model::Stage::growth, 'x');
      return Verdict::rewritten();
    }
    if (!divides) return Verdict::passed();
    return stage_.kind == Kind::loses ? Verdict::dropped(Reason::throttled) : Verdict::filtered();
  }

 private:
  model::Stage stage_;
};

class ModuloPlan final : public StagePlan {
 public:
  explicit ModuloPlan(model::Stage stage) : stage_(std::move(stage)) {}
  std::unique_ptr<weir::Stage> stage() override { return std::make_unique<Modulo>(stage_); }
  std::vector<std::string> outputs() const override {
    return stage_.kind == model::Stage::Kind::splits ? std::vector<std::string>{"other", "divided"}
                                                     : std::vector<std::string>{};
  }
  Growth growth() const override {
    return stage_.kind == model::Stage::Kind::grows ? Growth{1, Bytes(model::Stage::growth)} : Growth{};
  }

 private:
  model::Stage stage_;
};

class ScriptedSink final : public weir::Sink {
 public:
  explicit ScriptedSink(OtherSide& side) : side_(side) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override {
    const Behaviour& now = side_.behaviour;
    if (now.kind == Behaviour::Kind::again) return Delivery::again("the other side is down");
    if (now.kind == Behaviour::Kind::later)
      return Delivery::again(Error{Error::Kind::overloaded, "the other side is busy", now.retry_after});
    if (now.kind == Behaviour::Kind::fails) return Delivery::failed("the other side will never take this");
    Delivery delivery;
    for (std::uint32_t b = 0; b < batches.size(); ++b)
      for (std::uint32_t e = 0; e < batches[b].size(); ++e) {
        const auto id = id_of(batches[b][e]);
        if (now.kind == Behaviour::Kind::refuses_some && id % now.modulo == 0)
          delivery.refused.push_back({b, e, "not this one"});
        else
          side_.held.push_back(id);
      }
    return delivery;
  }

 private:
  OtherSide& side_;
};

/// Two of three sources let everybody in.
DoorRules draw_door(Rng& rng) {
  DoorRules door;
  if (!chance(rng, 33)) return door;
  if (chance(rng, 60)) door.rate = 1 + rng.below(6);
  door.rate_observed = chance(rng, 30);
  if (chance(rng, 40)) door.inner_rate = 1 + rng.below(6);
  if (chance(rng, 70)) door.under_way = 1 + rng.below(4);
  return door;
}

config::Guards guards_of(const DoorRules& door) {
  config::Guards guards;
  guards.position = config::GuardPosition::door;
  const auto add = [&](std::string name, std::uint64_t limit, bool observe) {
    if (limit == 0) return;
    config::Rate& rate = guards.rates.emplace_back();
    rate.guard.name = std::move(name);
    rate.guard.limit = {
        .algorithm = flow::RateLimitConfig::Algorithm::sliding_log, .limit = limit, .window = door.window};
    rate.observe = observe;
  };
  add("rate", door.rate, door.rate_observed);
  add("inner", door.inner_rate, false);
  if (door.under_way > 0) {
    auto& limit = guards.concurrency.emplace().guard.limit;
    limit.algorithm = flow::AnyLimitConfig::Algorithm::fixed;
    limit.range.start = static_cast<std::uint32_t>(door.under_way);
  }
  return guards;
}

}  // namespace

Graph draw_graph(Rng& rng) {
  Graph graph;
  graph.sources.resize(1 + rng.below(2));
  for (Source& source : graph.sources) source.batch_bytes = chance(rng, 50) ? 4096 : 40 + rng.below(100);
  for (auto n = rng.below(4); n > 0; --n)
    graph.stages.push_back({draw_from(rng, graph), 2 + rng.below(4), static_cast<Stage::Kind>(rng.below(4))});
  for (auto n = 1 + rng.below(3); n > 0; --n) graph.sinks.push_back(draw_sink(rng, graph));
  if (chance(rng, 60)) {
    const int dead_letters = static_cast<int>(graph.sinks.size());
    for (Sink& sink : graph.sinks)
      if (chance(rng, 70)) {
        sink.dead_letters = dead_letters;
        sink.queue.dead_letter_shed = chance(rng, 50) ? 1.0 : 0.0;
      }
    graph.sinks.push_back(draw_dead_letters(rng, graph));
  }
  for (std::size_t s = 0; s < graph.sources.size(); ++s)
    graph.sources[s].acks =
        static_cast<Level>(rng.below(static_cast<std::uint64_t>(graph.carried(static_cast<int>(s))) + 1));
  // From a copy: cases that are kept stay what they were.
  Rng of_doors = rng;
  for (Source& source : graph.sources) source.door = draw_door(of_doors);
  return graph;
}

config::Config config_of(const Graph& graph) {
  config::Config config;
  for (std::size_t i = 0; i < graph.sources.size(); ++i) {
    config::Source source;
    source.name = "source" + std::to_string(i);
    source.type = "scripted";
    source.acks = graph.sources[i].acks;
    source.guards = guards_of(graph.sources[i].door);
    config.sources.push_back(std::move(source));
  }
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    config::Stage stage;
    stage.name = "stage" + std::to_string(i);
    stage.type = "modulo";
    stage.from = names_of(graph, graph.stages[i].from);
    stage.options.set("modulo", graph.stages[i].modulo);
    stage.options.set("kind", static_cast<std::uint64_t>(graph.stages[i].kind));
    config.stages.push_back(std::move(stage));
  }
  for (std::size_t i = 0; i < graph.sinks.size(); ++i) config.sinks.push_back(sink_of(graph, i));
  config.memory.budget = 64_MiB;
  return config;
}

std::unique_ptr<weir::Sink> scripted_sink(OtherSide& side) { return std::make_unique<ScriptedSink>(side); }

void add_scripted(Catalog& catalog, std::map<std::string, OtherSide>& sides) {
  StageType stage;
  stage.name = "modulo";
  stage.compile = [](const Options& o, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    return std::make_shared<ModuloPlan>(
        model::Stage{{}, o.count("modulo"), static_cast<model::Stage::Kind>(o.count("kind"))});
  };
  catalog.add(std::move(stage));
  SinkType sink;
  sink.name = "scripted";
  sink.make = [&sides](const SinkSetup& setup) { return scripted_sink(sides[setup.name]); };
  catalog.add(std::move(sink));
}

std::string text_of(const Event& event) {
  std::string text = std::to_string(event.id);
  text.insert(0, 6 - std::min<std::size_t>(6, text.size()), '0');
  text.resize(std::max<std::size_t>(6, event.bytes), 'x');
  return text;
}

std::uint64_t id_of(std::string_view text) {
  constexpr std::string_view mark = R"("event":")";
  if (const auto at = text.find(mark); at != std::string_view::npos) text.remove_prefix(at + mark.size());
  std::uint64_t id = 0;
  std::from_chars(text.data(), text.data() + 6, id);
  return id;
}

}  // namespace weir::model
