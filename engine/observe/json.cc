#include "observe/json.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/flow/signal/pressure_level.h>

#include "observe/guard_json.h"
#include "observe/json_list.h"
#include "observe/request_json.h"

namespace weir::observe {
namespace {

std::string optional_seconds(const std::optional<Duration>& d) {
  return d ? fmt::format("{:.3f}", seconds(*d)) : "null";
}

std::string account(const pipeline::NodeSnapshot& s) {
  std::string consumed;
  for (int i = 0; i < fate_count; ++i)
    consumed +=
        fmt::format("{}\"{}\":{}", i ? "," : "", name(static_cast<Fate>(i)), s.consumed[static_cast<std::size_t>(i)]);
  std::string reasons;
  for (std::size_t r = 0; r < s.by_reason.size(); ++r)
    if (s.by_reason[r])
      reasons += fmt::format("{}\"{}\":{}", reasons.empty() ? "" : ",", name(static_cast<Reason>(r)), s.by_reason[r]);
  return fmt::format(
      R"("in":{},"created":{},"bytes":{},"emitted":{},"merged":{},"pending":{},"consumed":{{{}}},"reasons":{{{}}},"difference":{})",
      s.in, s.created, s.bytes, s.emitted, s.merged, s.pending, consumed, reasons, s.difference());
}

std::string edge_account(const pipeline::SinkStatus& s) {
  std::string dropped;
  for (std::size_t r = 0; r < s.edge.dropped.size(); ++r)
    if (s.edge.dropped[r])
      dropped +=
          fmt::format("{}\"{}\":{}", dropped.empty() ? "" : ",", name(static_cast<Reason>(r)), s.edge.dropped[r]);
  return fmt::format(R"({{"offered":{},"delivered":{},"drained":{},"pending":{},"dropped":{{{}}},"difference":{}}})",
                     s.edge.offered.events, s.edge.delivered.events, s.edge.drained.events, s.edge.pending.events,
                     dropped, s.edge_difference());
}

/// How long events take, now and usually; null where there is not enough data.
std::string latency(const pipeline::SinkStatus& s) {
  const flow::Sojourn& t = s.sojourn;
  const auto figure = [](bool known, Duration d) { return known ? fmt::format("{:.6f}", seconds(d)) : "null"; };
  const flow::Sojourn::Times usual = t.usual.value_or(flow::Sojourn::Times{});
  return fmt::format(
      R"({{"p50_s":{},"p99_s":{},"usual_p50_s":{},"usual_p99_s":{},"batches":{},"under_way_s":{:.3f},"verdict":"{}","sentence":{}}})",
      figure(t.batches, t.now.p50), figure(t.batches, t.now.p99), figure(t.usual.has_value(), usual.p50),
      figure(t.usual.has_value(), usual.p99), t.batches, seconds(t.under_way), name(judge(t)), json_text(s.latency));
}

/// null: nothing was.
std::string refused_for_good(const pipeline::RefusedForGood& r) {
  if (r.events == 0) return "null";
  return fmt::format(R"({{"events":{},"lost":{},"ago_s":{:.3f},"words":{}}})", r.events, r.events - r.told,
                     seconds(r.ago), json_text(r.words));
}

/// null: nothing does.
std::string held_up_by(const pipeline::SinkStatus& s) {
  const auto cause = s.hold.cause();
  return cause ? fmt::format("\"{}\"", name(*cause)) : "null";
}

std::string pressure_row(const pipeline::SinkStatus& s) {
  const auto& p = s.pressure;
  return fmt::format(
      R"({{"sink":{},"waiting_events":{},"waiting_bytes":{},"bound_events":{},"bound_bytes":{},"fill":{:.4f},"paused":{},"service_rate":{:.1f},)"
      R"("growth":{:.1f},"oldest_age_s":{:.3f},"time_to_full_s":{},"time_to_low_s":{},"pauses":{},"resumes":{},"max_waiting_events":{},)"
      R"("max_waiting_bytes":{},"breaker":"{}","blocked_for_s":{:.3f},"last_error":{},"held_up_by":{},"state":"{}","backlog":{},"refused_for_good":{},"why":{},"latency":{}}})",
      json_text(s.name), p.waiting.events, p.waiting.bytes.count(), p.bound.events, p.bound.bytes.count(), p.fill,
      p.paused, p.service_rate.value, p.growth.value, seconds(p.oldest_age), optional_seconds(p.time_to_full),
      optional_seconds(p.time_to_low), s.edge.pauses, s.edge.resumes, s.edge.max_waiting.events,
      s.edge.max_waiting.bytes.count(), name(s.destination.breaker), seconds(s.hold.blocked_for),
      json_text(s.last_error), held_up_by(s), s.state, json_text(s.backlog), refused_for_good(s.refused),
      json_text(s.why), latency(s));
}

std::uint64_t ended(const pipeline::NodeSnapshot& node, Fate fate) {
  return node.consumed[static_cast<std::size_t>(fate)];
}

std::string graph_source(const pipeline::SourceStatus& s) {
  std::string more;
  for (const auto& [what, count] : s.upstream.counts) more += fmt::format(R"(,"{}":{})", what, count);
  if (!s.guards.empty()) more += R"(,"guards":)" + guard_rows(s.guards);
  if (!s.upstream.lags.empty())
    more += R"(,"lags":)" + list(s.upstream.lags, [](const auto& lag) {
              return fmt::format(R"({{"place":{},"events":{},"age_s":{:.3f}}})", json_text(lag.place), lag.events,
                                 seconds(lag.age));
            });
  return fmt::format(
      R"({{"name":{},"type":{},"address":{},"acks":"{}","in":{},"bytes":{},"admitted":{},"refused":{},"pending":{},"paused":{},"why":{}{}}})",
      json_text(s.name), json_text(s.type), json_text(s.address), name(s.acks), s.node.in, s.node.bytes, s.admitted,
      s.refused, s.node.pending, s.paused, json_text(s.why), more);
}

std::string graph_stage(const pipeline::StageStatus& s) {
  std::string counts;
  for (const auto& count : s.counts) counts += fmt::format(R"(,"{}":{})", count.what, count.n);
  return fmt::format(
      R"({{"name":{},"in":{},"created":{},"emitted":{},"merged":{},"pending":{},"filtered":{},"dropped":{},"failed":{}{}}})",
      json_text(s.name), s.node.in, s.node.created, s.node.emitted, s.node.merged, s.node.pending,
      ended(s.node, Fate::filtered), ended(s.node, Fate::dropped), ended(s.node, Fate::failed), counts);
}

std::string graph_sink(const pipeline::SinkStatus& s) {
  std::uint64_t dropped = ended(s.node, Fate::dropped);
  for (const auto n : s.edge.dropped) dropped += n;
  const std::string load = fmt::format(
      R"("waiting":{},"bound":{},"waiting_bytes":{},"bound_bytes":{},"fill":{:.4f},"paused":{},"oldest_age_s":{:.3f},"rate":{:.1f},"growth":{:.1f},"time_to_full_s":{},"level":"{}")",
      s.pressure.waiting.events, s.pressure.bound.events, s.pressure.waiting.bytes.count(),
      s.pressure.bound.bytes.count(), s.pressure.fill, s.pressure.paused, seconds(s.pressure.oldest_age),
      s.pressure.service_rate.value, s.pressure.growth.value, optional_seconds(s.pressure.time_to_full),
      flow::name(flow::level_of(s.pressure)));
  const std::string work = fmt::format(
      R"("workers":{},"workers_busy":{},"busy_s":{:.3f},"idle_s":{:.3f},"blocked_s":{:.3f},"deliveries":{})", s.workers,
      s.workers_busy, static_cast<double>(s.busy_ns) / 1e9, static_cast<double>(s.idle_ns) / 1e9,
      static_cast<double>(s.blocked_ns) / 1e9, s.deliveries);
  const std::string spill =
      s.spill
          ? fmt::format(R"({{"path":{},"events":{},"bytes":{},"max_bytes":{},"total":{},"recovered":{},"error":{}}})",
                        json_text(s.spill->path), s.spill->events, s.spill->bytes.count(), s.spill->max_bytes.count(),
                        s.spill->total, s.spill->recovered, json_text(s.spill->error))
          : "null";
  return fmt::format(
      R"({{"name":{},"type":{},"required":{},"in":{},"stored":{},"already":{},"dead_lettered":{},"dropped":{},"failed":{},{},{},)"
      R"("breaker":"{}","blocked_for_s":{:.3f},"retries":{},"failures":{},"last_error":{},"held_up_by":{},"state":"{}","refused_for_good":{},"why":{},"latency":{},"spill":{}{}}})",
      json_text(s.name), json_text(s.type), s.required, s.node.in, s.node.consumed[0], s.node.already,
      ended(s.node, Fate::dead_lettered), dropped, ended(s.node, Fate::failed), load, work, name(s.destination.breaker),
      seconds(s.hold.blocked_for), s.destination.retries, s.destination.failures, json_text(s.last_error),
      held_up_by(s), s.state, refused_for_good(s.refused), json_text(s.why), latency(s), spill,
      s.guards.empty() ? std::string() : R"(,"guards":)" + guard_rows(s.guards));
}

std::string journal_consumer(const JournalStatus::Consumer& c) {
  return fmt::format(
      R"({{"name":{},"required":{},"configured":{},"position":{},"lag_events":{},"lag_bytes":{},"lag_s":{:.3f},"skipped":{},"damaged":{}}})",
      json_text(c.name), c.holds, c.configured, c.position, c.lag_events, c.lag_bytes, seconds(c.lag), c.skipped,
      c.damaged);
}

/// What its consumers were never given, and what it did not take.
std::string journal_account(const JournalStatus& j) {
  return fmt::format(R"({{"name":{},"dropped":{},"consumers":{}}})", json_text(j.name), j.dropped_events,
                     list(j.consumers, [](const JournalStatus::Consumer& c) {
                       return fmt::format(R"({{"name":{},"skipped":{},"damaged":{}}})", json_text(c.name), c.skipped,
                                          c.damaged);
                     }));
}

std::string journal_row(const JournalStatus& j) {
  return fmt::format(
      R"({{"name":{},"type":{},"path":{},"first":{},"end":{},"bytes":{},"max_bytes":{},"time_to_full_s":{},"commits":{},"torn_bytes":{},)"
      R"("damaged_places":{},"dropped":{},"error":{},"notes":{},"consumers":{}}})",
      json_text(j.name), json_text(j.type), json_text(j.path), j.first, j.end, j.bytes, j.max_bytes,
      optional_seconds(j.time_to_full), j.commits, j.torn_bytes, j.damaged_places, j.dropped_events, json_text(j.error),
      list(j.notes, [](const auto& note) { return json_text(note); }), list(j.consumers, journal_consumer));
}

}  // namespace

std::string graph_json(const pipeline::FlowStatus& status, const gateway::Status& requests, const AlertState& alerts) {
  const auto ledger = status.ledger();
  const auto links = list(status.links, [](const auto& l) {
    return fmt::format(R"({{"from":{},"to":{}}})", json_text(l.from), json_text(l.to));
  });
  return fmt::format(
      R"({{"uptime_s":{:.1f},"stopping":{},"memory":{{"limit":{},"footprints":{},"budget":{},"used":{}}},)"
      R"("ledger":{{"in_transit":{},"worst_difference":{},"worst_at":{}}},"sources":{},"stages":{},"journals":{},"sinks":{},"links":{},"alerts":{},{}}})"
      "\n",
      seconds(status.uptime), status.stopping, status.memory.count(), status.footprints.count(), status.budget.count(),
      status.budget_used.count(), ledger.in_transit, ledger.worst, json_text(ledger.where),
      list(status.sources, graph_source), list(status.stages, graph_stage), list(status.journals, journal_row),
      list(status.sinks, graph_sink), links, firing_json(alerts), request_members(requests));
}

std::string pressure_json(const pipeline::FlowStatus& status, const gateway::Status& requests) {
  const auto sources = list(status.sources, [](const auto& s) {
    return fmt::format(R"({{"source":{},"paused":{},"why":{},"admitted":{},"refused":{}}})", json_text(s.name),
                       s.paused, json_text(s.why), s.admitted, s.refused);
  });
  return fmt::format(R"({{"memory":{{"budget":{},"used":{}}},"sources":{},"journals":{},"edges":{},{}}})"
                     "\n",
                     status.budget.count(), status.budget_used.count(), sources, list(status.journals, journal_row),
                     list(status.sinks, pressure_row), request_members(requests));
}

std::string ledger_json(const pipeline::FlowStatus& status, const gateway::Status& requests) {
  const auto ledger = status.ledger();
  const auto row = [](const auto& s) { return fmt::format("{{\"name\":{},{}}}", json_text(s.name), account(s.node)); };
  const auto sinks = list(status.sinks, [](const auto& s) {
    return fmt::format("{{\"name\":{},{},\"edge\":{}}}", json_text(s.name), account(s.node), edge_account(s));
  });
  return fmt::format(R"({{"in_transit":{},"worst_difference":{},"worst_at":{},"sources":{},"stages":{},)"
                     R"("journals":{},"sinks":{},{}}})"
                     "\n",
                     ledger.in_transit, ledger.worst, json_text(ledger.where), list(status.sources, row),
                     list(status.stages, row), list(status.journals, journal_account), sinks,
                     request_members(requests));
}

}  // namespace weir::observe
