#include "pipeline/source_node.h"

#include "pipeline/status.h"

namespace weir::pipeline {
namespace {

constexpr Duration why_lasts = std::chrono::milliseconds(100);
constexpr std::size_t most_facts = 32;  // on the stack; configurations with more required sinks look at the first ones

}  // namespace

SourceNode::SourceNode(const config::Source& source, Budget& budget, const Context& context, std::uint64_t seed)
    : name(source.name), type(source.type), acks(source.acks), budget_(budget), context_(context),
      refuse_when_full_(source.refuse_when_full), door_({}, seed),
      // Ids never repeat across restarts: they start at the wall clock and cannot outrun it (1e9 events a second).
      next_id_(static_cast<std::uint64_t>(context.wall().time_since_epoch().count())) {}

Admitted<Ticket> SourceNode::admit(Bytes worst_case, Class cls) {
  const TimePoint now = context_.now();
  std::array<flow::DoorFacts, most_facts> facts;
  std::size_t n = 0;
  for (SinkNode* sink : required) {
    if (n == most_facts) break;
    if (sink->inlet.sheds()) continue;
    flow::DoorFacts& fact = facts[n++];
    fact.pressure = sink->inlet.pressure(now);
    fact.paused = sink->inlet.paused(cls);
    fact.limit = sink->inlet.limit(cls);
    if (const Duration blocked = sink->blocked_for(now); blocked > Duration{0}) fact.to_probe = blocked;
  }
  auto ticket = budget_.try_take(worst_case);
  std::lock_guard lock(mutex_);
  const auto decided = door_.decide({facts.data(), n}, !ticket, now);
  if (!decided) {
    refused.fetch_add(1, std::memory_order_relaxed);
    counters.because(decided.error().reason, 0);
    return std::unexpected(decided.error());
  }
  admitted.fetch_add(1, std::memory_order_relaxed);
  return ticket;
}

void SourceNode::brought(std::uint64_t events) {
  std::lock_guard lock(mutex_);
  door_.on_admitted(events);
}

void SourceNode::close(Duration retry_after) {
  std::lock_guard lock(mutex_);
  door_.close(retry_after, context_.now());
}

std::string SourceNode::why() {
  const TimePoint now = context_.now();
  std::lock_guard lock(mutex_);
  if (now - why_at_ < why_lasts) return why_;
  why_at_ = now;
  why_.clear();
  for (SinkNode* sink : required) {
    if (!sink->inlet.paused(Class::normal) && sink->blocked_for(now) == Duration{0}) continue;
    SinkStatus s;
    s.name = sink->name;
    s.pressure = sink->inlet.pressure(now);
    s.destination = sink->destination_stats(now);
    s.blocked_for = sink->blocked_for(now);
    s.last_error = sink->last_error();
    s.workers = sink->workers;
    s.workers_busy = sink->workers_busy.load(std::memory_order_relaxed);
    why_ += (why_.empty() ? "sink " : "; sink ") + sink->name + ": " + describe(s);
  }
  const auto used = budget_.used().count();
  if (why_.empty() && used * 10 >= budget_.total().count() * 9) why_ = "the memory budget is " + std::to_string(used * 100 / budget_.total().count()) + " % in use";
  return why_;
}

std::uint64_t SourceNode::next_ids(std::uint32_t n) { return next_id_.fetch_add(n, std::memory_order_relaxed); }

}  // namespace weir::pipeline
