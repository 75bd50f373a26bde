// What the engine and the model must agree about, and how a case ends.
#include <algorithm>

#include "pipeline/graph/lockstep_for_test.h"

namespace weir::model {
namespace {

using namespace std::chrono_literals;

constexpr int longest_drain = 4000;  // rounds; a case that needs more is stuck

}  // namespace

void Lockstep::differ(const std::string& what) {
  difference_ = fmt::format("step {}: {}; then {}", steps_, last_step_, what);
}

void Lockstep::compare() {
  for (std::size_t s = 0; s < sources_.size(); ++s) compare_source(s);
  for (std::size_t s = 0; s < graph_.stages.size(); ++s) compare_stage(s);
  for (std::size_t s = 0; s < workers_.size(); ++s) {
    compare_line(s);
    compare_sink(s);
  }
  for (std::size_t u = 0; u < units_.size(); ++u) compare_unit(u);
}

void Lockstep::compare_source(std::size_t source) {
  const auto& output = *sources_[source]->output;
  auto& model = model_->sources[source];
  const auto node =
      snapshot(flow_->source("source" + std::to_string(source)).counters, [&] { return output.pending(); });
  const std::string who = fmt::format("source {}: ", source);
  same(who + "pending", output.pending(), model.pending());
  same(who + "in", node.in, model.row.in);
  same(who + "emitted", node.emitted, model.row.emitted);
  same(who + "abandoned", node.consumed[static_cast<std::size_t>(Fate::abandoned)], model.row.of(Fate::abandoned));
  same(who + "ledger", node.difference(), 0);
  for (const auto& guard : flow_->source("source" + std::to_string(source)).guards())
    if (guard.concurrency) same(who + "under way", guard.concurrency->in_flight, model_->doors[source].under_way());
  for (int c = 0; c < priority_count; ++c)
    same(who + "ready", output.ready(static_cast<Priority>(c)),
         model_->ready(static_cast<int>(source), static_cast<Priority>(c)));
}

void Lockstep::compare_stage(std::size_t stage) {
  for (const auto& s : flow_->status().stages) {
    if (s.name != "stage" + std::to_string(stage)) continue;
    same(s.name + " in", s.node.in, model_->stages[stage].in);
    same(s.name + " emitted", s.node.emitted, model_->stages[stage].emitted);
    same(s.name + " ledger", s.node.difference(), 0);
  }
}

void Lockstep::compare_line(std::size_t sink) {
  const std::string who = fmt::format("line of sink {}: ", sink);
  const Queue& model = model_->sinks[sink].queue;
  const auto& queue = node(sink).queue;
  const auto stats = queue.stats();
  const auto pressure = queue.pressure(context_.now());
  const auto& bound = graph_.sinks[sink].queue.bound;
  same(who + "waiting", stats.pending.events, model.waiting().events);
  same(who + "offered", stats.offered.events, model.offered.events);
  same(who + "delivered", stats.delivered.events, model.delivered.events);
  same(who + "drained", stats.drained.events, model.drained.events);
  same(who + "pauses", stats.pauses, model.pauses);
  same(who + "resumes", stats.resumes, model.resumes);
  for (std::size_t r = 0; r < stats.dropped.size(); ++r) {
    const auto dropped = model.dropped.find(static_cast<Reason>(r));
    same(fmt::format("{}dropped {}", who, name(static_cast<Reason>(r))), stats.dropped[r],
         dropped == model.dropped.end() ? 0 : dropped->second);
  }
  for (int c = 0; c < priority_count; ++c) {
    const Priority priority = static_cast<Priority>(c);
    std::uint64_t events = 0;
    for (const Item& item : model.lane(priority)) events += item.events.size();
    same(fmt::format("{}waiting of priority {}", who, c), pressure.waiting_by_priority[static_cast<std::size_t>(c)],
         events);
    same(fmt::format("{}pauses priority {}", who, c), queue.paused(priority), model.paused(priority));
  }
  if (!graph_.sinks[sink].from.empty()) same(who + "bytes", stats.pending.bytes.count(), model.waiting().bytes.count());
  // Promise P2, semantics D3: this may never be, even if both agree on it.
  if (!stats.pending.fits_in(bound) && stats.pending.events > 1) differ(who + "more waits than its bound");
  if (stats.max_waiting.events > bound.events) differ(who + "more has waited than its bound");
}

void Lockstep::compare_sink(std::size_t sink) {
  const std::string who = fmt::format("sink {}: ", sink);
  SinkState& model = model_->sinks[sink];
  const auto real = snapshot(node(sink).counters, [&] { return node(sink).in_hand.load(); });
  std::uint64_t in_hand = 0;
  for (const auto& worker : model.workers) {
    for (const Item& item : worker.group) in_hand += item.events.size();
    in_hand -= worker.written.size();  // dead letters that were written have moved on
  }
  same(who + "in hand", real.pending, in_hand);
  same(who + "in", real.in, model.row.in);
  for (std::size_t f = 0; f < fate_count; ++f)
    same(fmt::format("{}{}", who, name(static_cast<Fate>(f))), real.consumed[f], model.row.consumed[f]);
  same(who + "ledger", real.difference(), 0);
  const auto& held = sides_["sink" + std::to_string(sink)].held;
  same(who + "held", held.size(), model.held.size());
  if (difference_.empty() && !held.empty()) same(who + "last held", held.back(), model.held.back());
}

void Lockstep::compare_unit(std::size_t unit) {
  RealUnit& real = *units_[unit];
  const Unit& model = model_->units[unit];
  if (real.witnessed) return;
  const Tally tally = real.receipt.tally();
  for (std::size_t f = 0; f < fate_count; ++f)
    same(fmt::format("unit {}: {}", unit, name(static_cast<Fate>(f))), std::uint64_t{tally.events[f]}, model.fates[f]);
  same(fmt::format("unit {}: owed", unit), std::uint64_t{real.receipt.pending()}, model.owed + (model.read ? 0 : 1));
  same(fmt::format("unit {}: settled", unit), real.settled, model.settled());
  if (!real.settled || !difference_.empty()) return;
  real.witnessed = true;
  same(fmt::format("unit {}: worst", unit), static_cast<int>(tally.worst()), static_cast<int>(model.worst()));
  const int paths = std::max<int>(1, static_cast<int>(graph_.required_sinks(model.source).size()));
  std::uint64_t fates = 0;
  for (const auto n : tally.events) fates += n;
  // What the deadline found before the fan-out ended once for all paths.
  if (tally.of(Fate::abandoned) == 0)
    same(fmt::format("unit {}: one fate for each event on each path", unit), fates,
         real.events.size() * static_cast<std::size_t>(paths));
  if (graph_.sources[static_cast<std::size_t>(model.source)].acks == Level::stored &&
      model_->told(model) == Answer::yes)
    witness(unit);
}

// Promise P1: every event that was told "stored" is at each required sink, in its dead letters, or filtered.
void Lockstep::witness(std::size_t unit) {
  for (const Event& event : units_[unit]->events)
    for (const int s : graph_.required_sinks(event.source)) {
      const Sink& sink = graph_.sinks[static_cast<std::size_t>(s)];
      const auto holds = [&](int at) {
        return std::ranges::count(sides_["sink" + std::to_string(at)].held, event.id) > 0;
      };
      if (!graph_.reaches(sink.from, event) || holds(s) || (sink.dead_letters != nobody && holds(sink.dead_letters)))
        continue;
      return differ(fmt::format("unit {} was told stored, but sink {} does not hold event {}", unit, s, event.id));
    }
}

void Lockstep::finish() {
  rng_.below(3) ? drain() : abandon();
  if (!difference_.empty()) return;
  compare();
  for (std::size_t s = 0; s < workers_.size(); ++s)
    if (sides_["sink" + std::to_string(s)].held != model_->sinks[s].held)
      differ(fmt::format("sink {} holds another order", s));
  for (std::size_t u = 0; u < units_.size(); ++u)
    if (!units_[u]->settled) differ(fmt::format("unit {} has no fate at the end", u));
  end_settled();
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    compare_source(s);
    same(fmt::format("source {}: under way at the end", s), model_->doors[s].under_way(), 0u);
  }
  // What the last reactor turn left in lanes goes back with the source outputs.
  sources_.clear();
  same("budget in use at the end", flow_->budget().used().count(), 0u);
}

bool Lockstep::idle() const {
  const bool offered =
      std::ranges::any_of(sources_, [](const auto& s) { return s->offer || s->output->pending() > 0; });
  const auto status = flow_->status();
  return !offered &&
         std::ranges::all_of(status.sinks, [](const auto& s) { return s.edge.pending.empty() && s.node.pending == 0; });
}

std::string Lockstep::left() const {
  std::string text;
  for (std::size_t s = 0; s < sources_.size(); ++s)
    text += fmt::format("source {} holds {}{}; ", s, sources_[s]->output->pending(),
                        sources_[s]->offer ? " and has more to give" : "");
  for (const auto& s : model_->sources) {
    text += fmt::format("(waits for room {}, posted {}) ", s.waits_for_room, s.to_do.size());
    for (const Lane& lane : s.lanes)
      text += fmt::format("open {} stuck {} next {}, ", lane.open.events.size(), lane.stuck.events.size(),
                          lane.next.events.size());
  }
  for (const auto& s : flow_->status().sinks)
    text += fmt::format("{} ({}): waiting {}/{} events {}/{} bytes, in hand {}; ", s.name,
                        s.required ? "required" : "optional", s.edge.pending.events, s.pressure.bound.events,
                        s.edge.pending.bytes.count(), s.pressure.bound.bytes.count(), s.node.pending);
  return text;
}

// Semantics H1: the door is closed and all sinks work again: every event must leave, within a bound.
void Lockstep::drain() {
  for (auto& [name, side] : sides_) side.behaviour = {};
  for (int round = 0; !idle() && difference_.empty(); ++round) {
    if (round == longest_drain) return differ("stuck: what is left does not drain: " + left());
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      turn(static_cast<int>(s));
      if (sources_[s]->offer) give(static_cast<int>(s));
    }
    for (std::size_t s = 0; s < workers_.size(); ++s)
      for (std::size_t w = 0; w < workers_[s].size(); ++w) work(static_cast<int>(s), static_cast<int>(w));
    advance(20ms);
    compare();
  }
  for (std::size_t s = 0; s < workers_.size(); ++s) {
    node(s).queue.close();
    model_->close(static_cast<int>(s));
    for (std::size_t w = 0; w < workers_[s].size(); ++w) {
      same("need", static_cast<int>(workers_[s][w]->step().need), static_cast<int>(pipeline::Worker::Need::finished));
    }
  }
}

// Semantics H1: the deadline has come.
void Lockstep::abandon() {
  last_step_ = "the deadline comes";
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    auto& offer = sources_[s]->offer;
    if (!offer) continue;
    if (offer->unit != nobody) {  // what was not given yet is not in the flow: its unit ends here
      auto& events = units_[static_cast<std::size_t>(offer->unit)]->events;
      events.resize(offer->given);
      units_[static_cast<std::size_t>(offer->unit)]->receipt.done_reading();
      model_->end_unit(offer->unit);
    } else {
      model_->doors[s].ended();
    }
    offer.reset();
  }
  for (auto& sink : workers_)
    for (auto& worker : sink) worker->abandon();
  const auto check = [&](const std::string& what, const auto& engine, const Left& model) {
    same(what + " abandoned", engine.events, model.events);
    same(what + " unanswered", engine.unanswered, model.unanswered);
  };
  for (std::size_t s = 0; s < workers_.size(); ++s)
    check(fmt::format("line of sink {}", s), node(s).queue.abandon(), model_->abandon_line(static_cast<int>(s)));
  for (std::size_t s = 0; s < sources_.size(); ++s)
    check(fmt::format("source {}", s), sources_[s]->output->abandon(), model_->abandon_source(static_cast<int>(s)));
  for (std::size_t s = 0; s < workers_.size(); ++s)
    for (std::size_t w = 0; w < workers_[s].size(); ++w) {
      workers_[s][w]->step();
      check(fmt::format("worker {} of sink {}", w, s), workers_[s][w]->left(),
            model_->abandon_worker(static_cast<int>(s), static_cast<int>(w)));
    }
}

}  // namespace weir::model
