#include "pipeline/entry/source_node.h"

#include "log/log.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {
namespace {

constexpr Duration why_lasts = std::chrono::milliseconds(100);

/// Clients may be strangers: they are told causes and times, and neither hosts nor ports nor paths, which are in the
/// destination's own words.
std::string without_words(SinkStatus sink) {
  sink.last_error.clear();
  if (sink.spill) sink.spill->error.clear();
  return "sink " + sink.name + ": " + describe(sink);
}

/// What can hold a source up when no sink does.
std::string besides_sinks(Duration held, const Budget& budget) {
  if (held > Duration{0}) return "a stage lets nothing more through for " + human(held);
  const auto used = budget.used().count();
  if (used * 10 < budget.total().count() * 9) return {};
  return "the memory budget is " + std::to_string(used * 100 / budget.total().count()) + " % in use";
}

constexpr Duration lately = std::chrono::seconds(1);
constexpr std::size_t most_facts = 32;  // on the stack; configurations with more required sinks look at the first ones

}  // namespace

SourceNode::SourceNode(const config::Source& source, Budget& budget, Ids& ids, const Context& context,
                       std::uint64_t seed)
    : name(source.name),
      type(source.type),
      acks(source.acks),
      remains(source.is_consumer() ? Remains::on_disk : Remains::with_sender),
      pace(source.guards.place == config::GuardedPlace::intake ? source.guards : config::Guards{}),
      budget_(budget),
      ids_(ids),
      context_(context),
      senders_wait_(source.options.get_or<Duration>("ack_timeout", Duration{0})),
      refuse_when_full_(source.refuse_when_full),
      door_({}, seed) {
  if (source.guards.place != config::GuardedPlace::door) return;
  using Mode = async::GuardChain::Mode;
  for (const config::Rate& rate : source.guards.rates) {
    auto guard = std::make_unique<async::RateGuard>(rate.guard, context);
    rates_.push_back(guard.get());
    guards_.add(rate.guard.name, std::move(guard), rate.observe ? Mode::observe : Mode::enforce);
    limits_.push_back(config::words_of(rate) + (rate.keyed() ? " for each " + config::words_of(rate.guard.key) : ""));
  }
}

Admitted<async::Permit> SourceNode::pass_guards(const async::Arrival& arrival) {
  auto permit = guards_.try_start(arrival);
  if (permit) return permit;
  refused.fetch_add(1, std::memory_order_relaxed);
  counters.because(permit.error().reason, 0);
  guarded_at_.store(context_.now().time_since_epoch().count(), std::memory_order_relaxed);
  warn_of_full_tables();
  return permit;
}

/// Only where somebody is refused: until then sharing a limit has cost nobody anything.
void SourceNode::warn_of_full_tables() {
  std::uint64_t sharing = 0;
  for (const async::RateGuard* rate : rates_) sharing += rate->shared();
  if (sharing == sharing_.exchange(sharing, std::memory_order_relaxed)) return;
  log::warn({"source", name},
            "guards: more keys come than are told apart, and those that find no place share one limit: raise keys");
}

std::vector<GuardStatus> SourceNode::guards() const {
  std::vector<GuardStatus> all = pace.status();
  const auto asked = guards_.stats();
  for (std::size_t i = 0; i < asked.size(); ++i)
    all.push_back({.name = asked[i].name,
                   .limit = limits_[i],
                   .observed = asked[i].observed,
                   .permitted = asked[i].permitted,
                   .refused = asked[i].refusals(),
                   .given_back = asked[i].given_back});
  return all;
}

/// Empty: they hold nobody up now.
std::string SourceNode::held_by_guards(TimePoint now) const {
  if (const std::string limit = pace.holds_up(now); !limit.empty())
    return "its own rate (guards) lets " + limit + " pass";
  const TimePoint at{Duration(guarded_at_.load(std::memory_order_relaxed))};
  if (at == TimePoint{} || now - at >= lately) return {};
  std::string limits;
  for (const std::string& limit : limits_) limits += (limits.empty() ? "" : ", ") + limit;
  return "its guards (" + limits + ") refuse who is above that";
}

/// A sender that waits for the fate of its events would wait in vain: a stall that has lasted for a good part of the
/// time it waits will probably last for the rest of it. One that does not wait is let in as long as there is room, and
/// so is work for the reserved part. Where the queue is full that is the reason.
void SourceNode::look_for_stall(SinkNode& sink, flow::DoorFacts& fact, TimePoint now) const {
  if (acks == Level::accepted || fact.to_probe || fact.paused || fact.reserved) return;
  const Duration stalled = sink.stalled_for(now);
  if (stalled == Duration{0} || stalled < senders_wait_ / 4) return;
  fact.to_probe = stalled;
  fact.blocked_by = Reason::destination_stalled;
}

Admitted<Ticket> SourceNode::admit(Bytes worst_case, Priority priority, flow::BriefHold::Place* place) {
  const TimePoint now = context_.now();
  std::array<flow::DoorFacts, most_facts> facts;
  std::size_t n = 0;
  for (SinkNode* sink : required) {
    if (n == most_facts) break;
    // A queue that spills holds its sources up only when its disk is full too.
    if (sink->queue.sheds() || (sink->spill && !sink->queue.paused(priority))) continue;
    flow::DoorFacts& fact = facts[n++];
    fact.pressure = sink->queue.pressure(now);
    fact.paused = sink->queue.paused(priority);
    fact.reserved = sink->queue.has_reserved_part(priority);
    fact.limit = sink->queue.limit(priority);
    if (const Duration blocked = sink->blocked_for(now); blocked > Duration{0}) fact.to_probe = blocked;
    fact.blocked_by = sink->blocked_by();
    look_for_stall(*sink, fact, now);
  }
  if (const Duration held = held_for(now); held > Duration{0} && n < most_facts) {
    facts[n].paused = true;
    facts[n].to_probe = held;
    facts[n++].blocked_by = Reason::throttled;
  }
  auto ticket = budget_.try_take(worst_case);
  std::lock_guard lock(mutex_);
  const auto decided = decide({facts.data(), n}, !ticket, now, place);
  if (!decided && place && place->wait > Duration{0}) return std::unexpected(decided.error());
  if (!decided) {
    refused.fetch_add(1, std::memory_order_relaxed);
    counters.because(decided.error().reason, 0);
    return std::unexpected(decided.error());
  }
  admitted.fetch_add(1, std::memory_order_relaxed);
  return ticket;
}

Admitted<void> SourceNode::decide(std::span<const flow::DoorFacts> facts, bool memory_full, TimePoint now,
                                  flow::BriefHold::Place* place) {
  if (refuse_when_full_) {
    const auto decided = door_.decide(facts, memory_full, now, place);
    held_units.store(door_.stats().held, std::memory_order_relaxed);
    return decided;
  }
  if (place) door_.leave(*place);  // a reload may have come while it was held
  // A request that waits at the door unread asks again and again: it needs no promised time, and no place in the
  // calendar may be spent on it.
  if (closing_) return rejected(Reason::shutting_down, *closing_);
  for (const auto& fact : facts)
    if (fact.paused) return rejected(Reason::flow_full, std::chrono::seconds(1));
  if (memory_full) return rejected(Reason::memory_full, std::chrono::seconds(1));
  return {};
}

Duration SourceNode::held_for(TimePoint now) const {
  return TimePoint(Duration(held_until_.load(std::memory_order_relaxed))) - now;
}

void SourceNode::brought(std::uint64_t events) {
  std::lock_guard lock(mutex_);
  door_.on_admitted(events);
}

void SourceNode::close(Duration retry_after) {
  std::lock_guard lock(mutex_);
  closing_ = retry_after;
  door_.close(retry_after, context_.now());
}

std::string SourceNode::why() {
  const TimePoint now = context_.now();
  std::lock_guard lock(mutex_);
  if (now - why_at_ < why_lasts) return why_;
  why_.clear();
  for (SinkNode* sink : required) {
    if (!sink->queue.paused(Priority::normal) && !sink->failing.load(std::memory_order_relaxed) &&
        sink->stalled_for(now) == Duration{0})
      continue;
    why_ += (why_.empty() ? "sink " : "; sink ") + sink->name + ": " + describe(sink->glance(now));
  }
  if (why_.empty()) why_ = held_by_guards(now);
  if (why_.empty()) why_ = besides_sinks(held_for(now), budget_);
  // An empty sentence may only mean that the queue is between two pauses: only a cause is kept.
  if (!why_.empty()) why_at_ = now;
  return why_;
}

std::string SourceNode::why_refused() {
  const TimePoint now = context_.now();
  std::string cause;
  for (SinkNode* sink : required)
    if (sink->queue.paused(Priority::normal) || sink->failing.load(std::memory_order_relaxed))
      cause += (cause.empty() ? "" : "; ") + without_words(sink->glance(now));
  if (cause.empty()) cause = besides_sinks(held_for(now), budget_);
  if (!cause.empty()) return cause;
  SinkNode* fullest = nullptr;
  double fill = -1;
  for (SinkNode* sink : required)
    if (const double f = sink->queue.pressure(now).fill; f > fill) fill = f, fullest = sink;
  return fullest ? without_words(fullest->glance(now)) : std::string{};
}

}  // namespace weir::pipeline
