#include "pipeline/entry/source_node.h"

#include <algorithm>
#include <iterator>

#include "pipeline/report/status.h"

namespace weir::pipeline {
namespace {

constexpr Duration why_lasts = std::chrono::milliseconds(100);

/// Whether this sink can hold its sources up now: one that sheds never does, one that spills only when it cannot.
bool can_hold(SinkNode& sink, Priority priority) {
  return !sink.queue.sheds() && (!sink.spill || sink.queue.paused(priority));
}

constexpr std::size_t most_facts = 32;  // on the stack; configurations with more required sinks look at the first ones

}  // namespace

SourceNode::SourceNode(const config::Source& source, Budget& budget, Ids& ids, const Context& context,
                       std::uint64_t seed)
    : name(source.name),
      type(source.type),
      acks(source.acks),
      remains(source.is_consumer() ? Remains::on_disk : Remains::with_sender),
      pace(source.guards.position == config::GuardPosition::intake ? source.guards : config::Guards{},
           async::secret_of(context)),
      budget_(budget),
      ids_(ids),
      context_(context),
      guards_(source.guards.position == config::GuardPosition::door ? source.guards : config::Guards{},
              {"source", name}, context),
      senders_wait_(source.options.get_or<Duration>("ack_timeout", Duration{0})),
      refuse_when_full_(source.refuse_when_full),
      door_({}, seed) {}

Admitted<async::Permit> SourceNode::pass_guards(const async::Arrival& arrival) {
  return guards_.admit(arrival, [this](const Rejection& rejection) {
    refused.fetch_add(1, std::memory_order_relaxed);
    refused_by[static_cast<std::size_t>(rejection.reason)].fetch_add(1, std::memory_order_relaxed);
    counters.because(rejection.reason, 0);
  });
}

Admitted<void> SourceNode::pass_rates_of_events(guards::EventCaller& reader, const async::Caller& sender,
                                                std::string_view text, std::span<const Batch::Slot> events) {
  auto passed = guards_.admit_events(reader, sender, text, events);
  if (!passed) {
    refused.fetch_add(1, std::memory_order_relaxed);
    refused_by[static_cast<std::size_t>(passed.error().reason)].fetch_add(1, std::memory_order_relaxed);
    counters.because(passed.error().reason, events.size());
  }
  return passed;
}

void SourceNode::reconfigure(const config::Guards& guards) {
  if (guards.position == config::GuardPosition::intake)
    pace.reconfigure(guards, context_.now());
  else
    guards_.reconfigure(guards);
}

std::vector<GuardStatus> SourceNode::guards() const {
  std::vector<GuardStatus> all = pace.status();
  std::ranges::move(guards_.status(), std::back_inserter(all));
  return all;
}

/// Empty: they hold nobody up now.
std::string SourceNode::held_by_guards(TimePoint now) const {
  if (const std::string limit = pace.holds_up(now); !limit.empty())
    return "its own rate (guards) lets " + limit + " pass";
  return guards_.holds_up(now);
}

/// How long nothing has come back from the sink, once senders that wait for the fate of their events wait in vain: a
/// stall that has lasted for a good part of the time they wait will probably last for the rest of it. Else 0.
Duration SourceNode::in_vain(SinkNode& sink, TimePoint now) const {
  if (acks == Level::accepted) return Duration{0};
  const Duration stalled = sink.stalled_for(now);
  return stalled < senders_wait_ / 4 ? Duration{0} : stalled;
}

/// A sender that does not wait is let in as long as there is room, and so is work for the reserved part. Where the
/// queue is full the door says no by itself (see `named`).
void SourceNode::look_for_stall(SinkNode& sink, flow::DoorFacts& fact, TimePoint now) const {
  if (fact.to_probe || fact.paused || fact.reserved) return;
  const Duration stalled = in_vain(sink, now);
  if (stalled == Duration{0}) return;
  fact.to_probe = stalled;
  fact.blocked_by = sink.hold_up(now).cause().value_or(Reason::destination_stalled);
}

std::optional<Rejection> SourceNode::stalled() const {
  const TimePoint now = context_.now();
  for (SinkNode* sink : required)
    if (const Duration stalled = in_vain(*sink, now); stalled > Duration{0})
      return Rejection{sink->hold_up(now).cause().value_or(Reason::destination_stalled), stalled};
  return std::nullopt;
}

/// A queue is full because of what holds its sink up, if anything does: that is what has to be mended.
Reason SourceNode::named(Reason reason, Priority priority, TimePoint now) const {
  if (reason != Reason::flow_full && reason != Reason::priority_shed) return reason;
  const bool any_paused = std::ranges::any_of(required, [&](SinkNode* sink) { return sink->queue.paused(priority); });
  for (SinkNode* sink : required) {
    if (!can_hold(*sink, priority) || sink->queue.paused(priority) != any_paused) continue;
    if (const auto cause = sink->hold_up(now).cause()) return *cause;
  }
  return reason;
}

Admitted<Ticket> SourceNode::admit(Bytes worst_case, Priority priority, flow::BriefHold::HeldUnit* unit) {
  const TimePoint now = context_.now();
  std::array<flow::DoorFacts, most_facts> facts;
  std::size_t n = 0;
  for (SinkNode* sink : required) {
    if (n == most_facts) break;
    if (!can_hold(*sink, priority)) continue;
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
  auto decided = decide({facts.data(), n}, !ticket, now, unit);
  if (!decided && unit && unit->wait > Duration{0}) return std::unexpected(decided.error());
  if (!decided) {
    refused.fetch_add(1, std::memory_order_relaxed);
    decided.error().reason = named(decided.error().reason, priority, now);
    refused_by[static_cast<std::size_t>(decided.error().reason)].fetch_add(1, std::memory_order_relaxed);
    return std::unexpected(decided.error());
  }
  admitted.fetch_add(1, std::memory_order_relaxed);
  return ticket;
}

Admitted<void> SourceNode::decide(std::span<const flow::DoorFacts> facts, bool memory_full, TimePoint now,
                                  flow::BriefHold::HeldUnit* unit) {
  if (refuse_when_full_) {
    const auto decided = door_.decide(facts, memory_full, now, unit);
    held_units.store(door_.stats().held, std::memory_order_relaxed);
    return decided;
  }
  if (unit) door_.leave(*unit);  // a reload may have come while it was held
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

std::string SourceNode::memory_in_use() const {
  return "the memory budget is " +
         std::to_string(budget_.used().count() * 100 / std::max<std::uint64_t>(1, budget_.total().count())) +
         " % in use";
}

std::string SourceNode::sinks_that_hold(Reader reader, TimePoint now, bool only_with_cause) const {
  std::string text;
  for (SinkNode* sink : required) {
    const bool full = sink->queue.paused(Priority::normal) && !only_with_cause;
    if (!can_hold(*sink, Priority::normal) || (!full && !sink->hold_up(now).cause())) continue;
    text += (text.empty() ? "sink " : "; sink ") + sink->name + ": " + describe(sink->glance(now), reader);
  }
  return text;
}

std::string SourceNode::why(Reader reader) {
  const TimePoint now = context_.now();
  std::lock_guard lock(mutex_);
  Sentence& last = why_[static_cast<std::size_t>(reader)];
  if (now - last.at < why_lasts) return last.text;
  last.text = sinks_that_hold(reader, now, false);
  if (last.text.empty()) last.text = held_by_guards(now);
  if (const Duration held = held_for(now); last.text.empty() && held > Duration{0})
    last.text = "a stage lets nothing more through for " + human(held);
  if (last.text.empty() && budget_.used().count() * 10 >= budget_.total().count() * 9) last.text = memory_in_use();
  // An empty sentence may only mean that the queue is between two pauses: only a cause is kept.
  if (!last.text.empty()) last.at = now;
  return last.text;
}

double SourceNode::level() const {
  const TimePoint now = context_.now();
  const auto total = static_cast<double>(budget_.total().count());
  double most = total > 0 ? static_cast<double>(budget_.used().count()) / total : 0;
  for (const SinkNode* sink : required) {
    const bool shut = sink->queue.paused(Priority::normal) || sink->blocked_for(now) > Duration{0};
    most = std::max(most, shut ? 1.0 : sink->queue.pressure(now).fill);
  }
  return std::min(most, 1.0);
}

std::string SourceNode::why_refused(Reason reason) {
  const TimePoint now = context_.now();
  if (reason == Reason::shutting_down) return {};
  if (auto cause = guards_.why_refused(reason); !cause.empty()) return cause;
  if (reason == Reason::throttled) return "a stage lets nothing more through for " + human(held_for(now));
  if (reason == Reason::memory_full) {
    const std::string sinks = sinks_that_hold(Reader::clients, now, true);
    return memory_in_use() + (sinks.empty() ? "" : "; ") + sinks;
  }
  if (auto cause = why(Reader::clients); !cause.empty()) return cause;
  SinkNode* fullest = nullptr;
  double fill = -1;
  for (SinkNode* sink : required)
    if (const double f = sink->queue.pressure(now).fill; f > fill) fill = f, fullest = sink;
  return fullest ? "sink " + fullest->name + ": " + describe(fullest->glance(now), Reader::clients) : std::string{};
}

}  // namespace weir::pipeline
