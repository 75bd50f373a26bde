#include "pipeline/graph/lockstep_for_test.h"

#include <algorithm>

namespace weir::model {
namespace {

using namespace std::chrono_literals;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace

Lockstep::Lockstep(std::uint64_t seed) : rng_(seed), graph_(draw_graph(rng_)), context_(clock_, seed) {
  add_scripted(catalog_, sides_);
  // The engine draws the first of its ids from its context, then gives each line a seed, in order: the model's lines
  // draw from the same.
  const Context same_seed(clock_, seed);
  (void)same_seed.rng();
  Rng seeds = same_seed.rng();
  std::vector<Queue::Draw> draws;
  for (std::size_t s = 0; s < graph_.sinks.size(); ++s)
    draws.emplace_back([rng = Rng(seeds.next())](std::uint64_t n) mutable { return rng.below(n); });
  model_ = std::make_unique<Model>(graph_, draws);
  flow_ = std::make_unique<pipeline::Flow>(config_of(graph_), catalog_, context_);
  for (std::size_t s = 0; s < graph_.sources.size(); ++s) {
    auto source = std::make_unique<RealSource>();
    source->output = std::make_unique<pipeline::ReactorOutput>(flow_->source("source" + std::to_string(s)), source->io,
                                                               Bytes(graph_.sources[s].batch_bytes));
    sources_.push_back(std::move(source));
  }
  workers_.resize(graph_.sinks.size());
  for (std::size_t s = 0; s < graph_.sinks.size(); ++s)
    for (int w = 0; w < graph_.sinks[s].workers; ++w) {
      const std::string name = "sink" + std::to_string(s);
      workers_[s].push_back(
          std::make_unique<pipeline::Worker>(flow_->sink(name), scripted_sink(sides_[name]), context_));
      if (graph_.sinks[s].dead_letters != nobody)
        flow_->sink("sink" + std::to_string(graph_.sinks[s].dead_letters)).queue.add_listener(*workers_[s].back());
    }
}

// A case that differed is left as it stands: what it holds can no longer be ended in any order that is known to be
// safe.
Lockstep::~Lockstep() {
  if (difference_.empty()) return;
  for (auto& units : units_) (void)units.release();
  for (auto& source : sources_) (void)source.release();
  for (auto& sink : workers_)
    for (auto& worker : sink) (void)worker.release();
  (void)flow_.release();
}

std::string Lockstep::run() {
  const auto steps = 20 + rng_.below(120);
  for (std::uint64_t i = 0; i < steps && difference_.empty(); ++i) {
    step();
    compare();
  }
  if (difference_.empty()) finish();
  return difference_;
}

void Lockstep::step() {
  ++steps_;
  end_settled();
  const int source = static_cast<int>(rng_.below(sources_.size()));
  const int sink = static_cast<int>(rng_.below(workers_.size()));
  const int worker = static_cast<int>(rng_.below(workers_[at(sink)].size()));
  const auto die = rng_.below(100);
  if (die < 35) {
    sources_[at(source)]->offer ? give(source) : offer(source);
  } else if (die < 52) {
    turn(source);
  } else if (die < 85) {
    work(sink, worker);
  } else if (die < 95) {
    advance(Duration(static_cast<Duration::rep>(rng_.below(rng_.below(4) ? 30'000'000 : 700'000'000))));
  } else {
    misbehave();
  }
}

void Lockstep::offer(int source) {
  last_step_ = fmt::format("source {} is offered a unit", source);
  const Priority priority = static_cast<Priority>(rng_.below(priority_count));
  const bool paused = sources_[at(source)]->output->paused(priority);
  same("paused", paused, model_->paused(source, priority));
  if (paused) return;
  auto permit = flow_->source("source" + std::to_string(source)).pass_guards({.priority = priority});
  const auto refused = model_->doors[at(source)].arrive(context_.now());
  same("refused at the door", permit ? "no" : name(permit.error().reason), refused ? name(*refused) : "no");
  if (!permit || !difference_.empty()) return;
  Offer offer;
  offer.whole = rng_.below(2);
  if (graph_.sources[at(source)].acks != Level::accepted || rng_.below(2)) {
    offer.unit = model_->begin_unit(source);
    units_.push_back(std::make_unique<RealUnit>());
  }
  const bool mixed = !offer.whole && rng_.below(3) == 0;
  for (auto n = 1 + rng_.below(rng_.below(5) ? 8 : 50); n > 0; --n) {
    Event event{.id = next_id_++,
                .bytes = 6 + (rng_.below(15) ? rng_.below(20) : rng_.below(900)),
                .priority = priority,
                .source = source,
                .unit = offer.unit};
    if (mixed) event.priority = static_cast<Priority>(rng_.below(priority_count));
    offer.events.push_back(event);
  }
  if (offer.unit != nobody) {
    units_.back()->events = offer.events;
    units_.back()->permit = std::move(*permit);
  } else {
    offer.permit = std::move(*permit);
  }
  sources_[at(source)]->offer = std::move(offer);
  give(source);
}

void Lockstep::give(int source) {
  last_step_ += fmt::format("; source {} gives", source);
  auto& real = *sources_[at(source)];
  Offer& offer = *real.offer;
  Receipt* receipt = offer.unit == nobody ? nullptr : &units_[at(offer.unit)]->receipt;
  if (offer.whole) {
    const Priority priority = offer.events.front().priority;
    if (!real.output->ready(priority)) return;
    BatchBuilder builder({1_MiB, 1024});
    for (const Event& event : offer.events) {
      if (receipt) receipt->owe(1);
      builder.add(text_of(event), receipt);
      builder.absorb(std::move(*real.output->reserve(real.output->cost(event.bytes, 1))));
    }
    BatchInfo info;
    info.priority = priority;
    info.received = context_.now();
    Ticket spare;
    Batch batch = builder.seal(info, &spare);
    real.output->push(std::move(batch), std::move(spare));
    model_->push({.events = offer.events, .priority = priority, .since = context_.now()}, context_.now());
    offer.given = offer.events.size();
  }
  for (; offer.given < offer.events.size(); ++offer.given) {
    const Event& event = offer.events[offer.given];
    same("ready", real.output->ready(event.priority), model_->ready(source, event.priority));
    if (!difference_.empty() || !real.output->ready(event.priority)) return;
    if (receipt) receipt->owe(1);
    real.output->add(text_of(event), event.priority, receipt,
                     std::move(*real.output->reserve(real.output->cost(event.bytes, 1))));
    model_->add(event, context_.now());
  }
  if (receipt) receipt->done_reading();
  if (offer.unit != nobody) model_->end_unit(offer.unit);
  if (offer.unit == nobody) offer.permit.ok(), model_->doors[at(source)].ended();
  real.offer.reset();
}

/// A place among those under way is kept until all of a unit is settled: that is when its sender is answered.
void Lockstep::end_settled() {
  for (auto& unit : units_)
    if (unit->settled) unit->permit.ok();
  model_->end_settled();
}

void Lockstep::turn(int source) {
  last_step_ = fmt::format("reactor of source {} turns", source);
  auto& io = sources_[at(source)]->io;
  io.restart();
  // One handler at a time: a handler may post another, which is a turn of its own.
  for (auto n = model_->sources[at(source)].to_do.size(); n > 0; --n) same("handlers", io.poll_one(), 1u);
  same("handlers left", io.poll_one(), 0u);
  model_->turn(source, context_.now());
}

void Lockstep::work(int sink, int worker) {
  last_step_ = fmt::format("worker {} of sink {} steps", worker, sink);
  const auto next = workers_[at(sink)][at(worker)]->step();
  const auto& behaviour = sides_["sink" + std::to_string(sink)].behaviour;
  same("need", static_cast<int>(next.need), static_cast<int>(model_->step(sink, worker, behaviour, context_.now())));
}

void Lockstep::misbehave() {
  last_step_ = "another side changes its behaviour";
  auto& behaviour = sides_["sink" + std::to_string(rng_.below(workers_.size()))].behaviour;
  behaviour.kind = static_cast<Behaviour::Kind>(rng_.below(5));
  behaviour.retry_after = Duration(1'000'000 + static_cast<Duration::rep>(rng_.below(300'000'000)));
  behaviour.modulo = 1 + rng_.below(5);
}

void Lockstep::advance(Duration d) {
  last_step_ = "the clock advances";
  clock_.advance(d);
}

}  // namespace weir::model
