// What can be asked of a flow while it runs.
#include "pipeline/graph/flow.h"

#include <algorithm>

#include "pipeline/graph/running.h"

namespace weir::pipeline {

std::uint64_t Flow::held_by(const SourceNode& node) const {
  std::uint64_t pending = 0;
  for (const auto& running : running_)
    if (running->node == &node) pending += running->output->accounted();
  return pending;
}

NodeSnapshot Flow::snapshot_of(const StageNode& stage) const {
  const auto merge = std::ranges::find(merges_, &stage, [](const auto& m) { return &m->stage; });
  if (merge == merges_.end()) return snapshot(stage.counters, [] { return std::uint64_t{0}; });
  NodeSnapshot all = snapshot((*merge)->origin.counters, [&] { return held_by((*merge)->origin); });
  const NodeSnapshot in = snapshot(stage.counters, [] { return std::uint64_t{0}; });
  all.created = std::exchange(all.in, in.in);
  all.merged = in.merged;
  for (std::size_t i = 0; i < fate_count; ++i) all.consumed[i] += in.consumed[i];
  for (std::size_t i = 0; i < flow::reason_count; ++i) all.by_reason[i] += in.by_reason[i];
  return all;
}

FlowStatus Flow::status() const {
  std::lock_guard lock(structure_);
  const TimePoint now = context_.now();
  FlowStatus status;
  // Sink to source: what has left is read before what came in, so a running ledger can only show a surplus of "in".
  for (const auto& sink : sinks_) {
    SinkStatus s = sink->glance(now);
    s.node = snapshot(sink->counters, [&] { return sink->in_hand.load(std::memory_order_acquire); });
    s.edge = sink->edge();
    s.busy_ns = sink->busy_ns.load(std::memory_order_relaxed);
    s.idle_ns = sink->idle_ns.load(std::memory_order_relaxed);
    s.blocked_ns = sink->blocked_ns.load(std::memory_order_relaxed);
    s.deliveries = sink->deliveries.load(std::memory_order_relaxed);
    s.why = describe(s);
    s.sojourn = sink->times.sojourn(s.pressure.oldest_age, now);
    s.latency = describe_latency(s);
    status.sinks.push_back(std::move(s));
  }
  for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage)
    status.stages.push_back({(*stage)->name, snapshot_of(**stage), (*stage)->plan->counts()});
  std::ranges::reverse(status.stages);
  for (const auto& journal : journals_)
    if (journal) status.journals.push_back(journal->status());
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    SourceStatus s;
    s.name = sources_[i]->name;
    s.type = sources_[i]->type;
    s.acks = sources_[i]->acks;
    if (i < source_objects_.size()) {
      s.address = source_objects_[i]->address();
      s.upstream = source_objects_[i]->upstream();
    }
    s.node = snapshot(sources_[i]->counters, [&] { return held_by(*sources_[i]); });
    s.admitted = sources_[i]->admitted.load(std::memory_order_relaxed);
    s.refused = sources_[i]->refused.load(std::memory_order_relaxed);
    s.guards = sources_[i]->guards();
    s.held = sources_[i]->held_units.load(std::memory_order_relaxed);
    s.paused =
        std::ranges::any_of(sources_[i]->required, [](SinkNode* sink) { return sink->queue.paused(Priority::normal); });
    s.why = describe_lag(s.upstream, sources_[i]->why());
    if (const auto& source = config_.sources[i]; source.is_consumer() && s.upstream.lags.empty())
      s.why = describe_lag(status.journals, source.journal, source.consumer.name, s.why);
    status.sources.push_back(std::move(s));
  }
  status.links = links();
  status.memory = config_.memory.memory;
  status.footprints = config_.memory.footprints;
  status.budget = budget_.total();
  status.budget_used = budget_.used();
  status.uptime = now - started_;
  for (std::size_t i = 0; i < reloads_.size(); ++i) status.reloads[i] = reloads_[i].load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < renewals_.size(); ++i) status.renewals[i] = renewals_[i].load(std::memory_order_relaxed);
  const FlowState state = lifecycle_.state();
  status.stopping = state == FlowState::draining || state == FlowState::ended;
  return status;
}

}  // namespace weir::pipeline
