#include "observe/metrics.h"

#include <array>
#include <limits>
#include <utility>

#include <weir/flow/signal/pressure_level.h>

#include "observe/request_metrics.h"
#include "observe/sheet.h"

namespace weir::observe {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using Labels = Sheet::Labels;

double time_to_full(const std::optional<Duration>& time) { return time ? seconds(*time) : infinity; }

void node(Sheet& sheet, const char* kind, const std::string& name, const pipeline::NodeSnapshot& s) {
  const Labels who{{"kind", kind}, {"node", name}};
  const auto with = [&](const char* key, std::string_view value) {
    Labels labels = who;
    labels.emplace_back(key, value);
    return labels;
  };
  sheet.counter("weir_node_received_events_total", "Events that came into a node.", who, number(s.in));
  sheet.counter("weir_node_received_bytes_total", "Bytes that came into a node.", who, number(s.bytes));
  sheet.counter("weir_node_emitted_events_total", "Events that a node gave on.", who, number(s.emitted));
  if (s.merged || s.created) {
    sheet.counter("weir_node_merged_events_total", "Events that became part of another.", who, number(s.merged));
    sheet.counter("weir_node_created_events_total", "Events that a node made of others.", who, number(s.created));
  }
  sheet.gauge("weir_node_pending_events", "Events a node holds now.", who, number(s.pending));
  for (int i = 0; i < fate_count; ++i)
    sheet.counter("weir_node_consumed_events_total", "Events that ended at a node, by fate.",
                  with("fate", weir::name(static_cast<Fate>(i))), number(s.consumed[static_cast<std::size_t>(i)]));
  for (std::size_t r = 0; r < s.by_reason.size(); ++r)
    if (s.by_reason[r])
      sheet.counter("weir_node_refused_events_total", "Events refused, dropped, failed or abandoned, by reason.",
                    with("reason", weir::name(static_cast<Reason>(r))), number(s.by_reason[r]));
}

void of_alerts(Sheet& sheet, const AlertState& alerts) {
  for (const AlertRuleInfo& rule : alert_rules())
    sheet.counter("weir_alerts_fired_total", "Times that an alert began (docs/alerts.md), by rule.",
                  {{"rule", std::string(rule.name)}}, number(alerts.fired[static_cast<std::size_t>(rule.rule)]));
  for (const ReceiverStatus& receiver : alerts.receivers) {
    const auto who = [&](const char* outcome) { return Labels{{"receiver", receiver.name}, {"outcome", outcome}}; };
    constexpr auto* help = "Deliveries to a receiver of alerts, by outcome: delivered or failed.";
    sheet.counter("weir_alert_deliveries_total", help, who("delivered"), number(receiver.delivered));
    sheet.counter("weir_alert_deliveries_total", help, who("failed"), number(receiver.failed));
    sheet.gauge("weir_alerts_untold", "Alerts whose last change a receiver has not been told.",
                {{"receiver", receiver.name}}, number(receiver.waiting));
  }
  for (const FiringAlert& alert : alerts.firing)
    sheet.gauge("weir_alert_firing", "1 for each alert that fires now.",
                {{"rule", std::string(info(alert.rule).name)}, {"kind", alert.kind}, {"node", alert.node}}, 1);
}

void queue(Sheet& sheet, const pipeline::SinkStatus& s) {
  const Labels who{{"sink", s.name}};
  const auto& p = s.pressure;
  sheet.gauge("weir_queue_events", "Events that wait in front of a sink.", who, number(p.waiting.events));
  sheet.gauge("weir_queue_bytes", "Bytes that wait in front of a sink.", who, number(p.waiting.bytes.count()));
  sheet.gauge("weir_queue_bound_events", "The bound of the queue, in events.", who, number(p.bound.events));
  sheet.gauge("weir_queue_bound_bytes", "The bound of the queue, in bytes.", who, number(p.bound.bytes.count()));
  sheet.gauge("weir_queue_fill_ratio", "Waiting over bound, the larger of events and bytes.", who, p.fill);
  sheet.gauge("weir_queue_level", "0 normal, 1 warning, 2 critical: from fill and growth (docs/alerts.md).", who,
              static_cast<double>(flow::level_of(p)));
  sheet.gauge("weir_queue_growth_events_per_second", "Growth of the queue; negative while it drains.", who,
              p.growth.value);
  sheet.gauge("weir_queue_oldest_age_seconds", "How long the oldest event has waited.", who, seconds(p.oldest_age));
  sheet.gauge("weir_queue_paused", "1 while readers are paused.", who, p.paused ? 1 : 0);
  sheet.gauge("weir_queue_time_to_full_seconds",
              "Until the queue is full at its present growth; +Inf: it does not fill.", who,
              time_to_full(p.time_to_full));
  sheet.counter("weir_queue_pauses_total", "Times readers were paused.", who, number(s.edge.pauses));
  sheet.counter("weir_queue_resumes_total", "Times readers were resumed.", who, number(s.edge.resumes));
  sheet.counter("weir_queue_offered_events_total", "Events offered to the queue.", who, number(s.edge.offered.events));
  sheet.counter("weir_queue_delivered_events_total", "Events taken out by workers.", who,
                number(s.edge.delivered.events));
  for (std::size_t r = 0; r < s.edge.dropped.size(); ++r)
    if (s.edge.dropped[r])
      sheet.counter("weir_queue_dropped_events_total", "Events dropped by the queue's policy, by reason.",
                    {{"sink", s.name}, {"reason", std::string(weir::name(static_cast<Reason>(r)))}},
                    number(s.edge.dropped[r]));
}

void under_way(Sheet& sheet, const Labels& who, const async::ConcurrencyFacts& c) {
  sheet.gauge("weir_guard_limit", "How many may be under way at once, now.", who, c.limit.limit);
  sheet.gauge("weir_guard_in_flight", "Under way now: admitted and not answered.", who, c.in_flight);
  sheet.gauge("weir_guard_waiting", "Waiting for their turn now.", who, c.waiting);
  sheet.counter("weir_guard_waited_total", "Had to wait for their turn, however that ended.", who, number(c.waited));
  sheet.counter("weir_guard_left_total", "Went away while they waited.", who, number(c.left));
  Labels signal = who;
  signal.emplace_back("signal", std::string(c.limit.signal));
  sheet.gauge("weir_guard_signal", "What the limit goes by, lately; above weir_guard_signal_tolerated it goes down.",
              signal, c.limit.seen);
  sheet.gauge("weir_guard_signal_tolerated", "Above it the limit goes down.", signal, c.limit.tolerated);
}

void pressure(Sheet& sheet, const Labels& who, const flow::MachinePressureFacts& p) {
  sheet.gauge("weir_guard_refused_below", "Priorities below this number are refused, 0 to 4; 0: none.", who,
              p.refused_below);
  for (std::size_t r = 0; r < p.readings.size(); ++r) {
    if (p.thresholds[r] == 0 || !p.readings[r]) continue;
    Labels resource = who;
    resource.emplace_back("resource", std::string(name(static_cast<flow::MachineResource>(r))));
    sheet.gauge("weir_guard_pressure_ratio", "What the machine uses of a resource, of its threshold; absent: unknown.",
                resource, *p.readings[r] / p.thresholds[r]);
  }
}

void guards(Sheet& sheet, const char* kind, const std::string& node, const std::vector<pipeline::GuardStatus>& all) {
  for (const auto& g : all) {
    const Labels who{{"kind", kind}, {"node", node}, {"guard", g.name}, {"mode", g.observed ? "observe" : "enforce"}};
    sheet.counter("weir_guard_permitted_total", "Times a guard said yes.", who, number(g.permitted));
    sheet.counter("weir_guard_refused_total", "Times it said no: refused, made to wait, or (mode observe) would have.",
                  who, number(g.refused));
    sheet.counter("weir_guard_given_back_total", "What it gave and got back, because a later one said no.", who,
                  number(g.given_back));
    if (g.concurrency) under_way(sheet, who, *g.concurrency);
    if (g.pressure) pressure(sheet, who, *g.pressure);
  }
}

void spill(Sheet& sheet, const std::string& sink, const pipeline::SpillStatus& s) {
  const Labels who{{"sink", sink}};
  sheet.gauge("weir_spilled_events", "Events that a full queue has on the disk.", who, number(s.events));
  sheet.gauge("weir_spilled_bytes", "What they take there.", who, number(s.bytes.count()));
  sheet.gauge("weir_spilled_max_bytes", "What they may take.", who, number(s.max_bytes.count()));
  sheet.counter("weir_spilled_events_total", "Events that went to the disk since start.", who, number(s.total));
}

void sink(Sheet& sheet, const pipeline::SinkStatus& s) {
  const Labels who{{"sink", s.name}};
  const auto& d = s.destination;
  sheet.gauge("weir_sink_service_rate_events_per_second", "Events completed per busy second.", who,
              s.pressure.service_rate.value);
  sheet.gauge("weir_sink_workers", "Workers of the sink.", who, s.workers);
  sheet.gauge("weir_sink_workers_busy", "Workers that deliver now.", who, s.workers_busy);
  for (const auto& [state, ns] : {std::pair{"busy", s.busy_ns}, {"idle", s.idle_ns}, {"blocked", s.blocked_ns}})
    sheet.counter("weir_sink_worker_seconds_total", "Where workers spent their time.",
                  {{"sink", s.name}, {"state", state}}, number(ns) / 1e9);
  sheet.counter("weir_sink_deliveries_total", "Calls to the sink.", who, number(s.deliveries));
  sheet.counter("weir_sink_already_there_events_total",
                "Events counted as stored that were there already, by their id, and were left as they were.", who,
                number(s.node.already));
  sheet.histogram("weir_sink_time_seconds", "From being read to its end, by events, since start.", who, s.sojourn);
  const auto quantiles = [&](const std::string& name, const char* help, const flow::Sojourn::Times& times) {
    for (const auto& [quantile, time] : {std::pair{"0.5", times.p50}, {"0.99", times.p99}})
      sheet.gauge(name, help, {{"sink", s.name}, {"quantile", quantile}}, seconds(time));
  };
  if (s.sojourn.batches)
    quantiles("weir_sink_recent_time_seconds", "The same in the last 30 seconds: what `weir why` says.", s.sojourn.now);
  if (s.sojourn.usual)
    quantiles("weir_sink_usual_time_seconds", "What that usually is: the mean of the logarithms over an hour.",
              *s.sojourn.usual);
  sheet.gauge("weir_sink_under_way_seconds", "How long a worker has been with what it holds, at most.", who,
              seconds(s.sojourn.under_way));
  sheet.gauge("weir_destination_breaker_open", "1 while the breaker is open.", who,
              d.breaker == flow::BreakerState::open ? 1 : 0);
  sheet.counter("weir_destination_breaker_opened_total", "Times the breaker opened.", who, number(d.opened));
  sheet.counter("weir_destination_attempts_total", "Attempts, retries included.", who, number(d.attempts));
  sheet.counter("weir_destination_retries_total", "Retries.", who, number(d.retries));
  sheet.counter("weir_destination_failures_total", "Failed attempts.", who, number(d.failures));
  if (s.spill) spill(sheet, s.name, *s.spill);
}

void journal(Sheet& sheet, const JournalStatus& j) {
  const Labels who{{"journal", j.name}};
  sheet.gauge("weir_journal_bytes", "What a journal takes of the disk.", who, number(j.bytes));
  sheet.gauge("weir_journal_max_bytes", "What it may take.", who, number(j.max_bytes));
  sheet.counter("weir_journal_events_total", "Events that were ever committed to it.", who, number(j.end - 1));
  sheet.counter("weir_journal_commits_total", "Groups committed since start.", who, number(j.commits));
  sheet.counter("weir_journal_damaged_places_total", "Places that could not be read.", who, number(j.damaged_places));
  sheet.counter("weir_journal_dropped_events_total", "Events given up unread (when_full: drop_oldest).", who,
                number(j.dropped_events));
  sheet.gauge("weir_journal_failing", "1 while its disk fails or is full.", who, j.error.empty() ? 0 : 1);
  sheet.gauge("weir_journal_time_to_full_seconds",
              "Until the journal is full at its present growth; +Inf: it does not fill.", who,
              time_to_full(j.time_to_full));
  for (const auto& c : j.consumers) {
    if (!c.configured) continue;
    const Labels consumer{{"journal", j.name}, {"consumer", c.name}};
    sheet.gauge("weir_consumer_lag_events", "Events a consumer has not settled.", consumer, number(c.lag_events));
    sheet.gauge("weir_consumer_lag_bytes", "The same in bytes.", consumer, number(c.lag_bytes));
    sheet.gauge("weir_consumer_lag_seconds", "Age of the oldest of them.", consumer, seconds(c.lag));
    sheet.counter("weir_consumer_skipped_events_total", "Events given up before it read them.", consumer,
                  number(c.skipped));
    sheet.counter("weir_consumer_damaged_events_total", "Events it could not be given: the disk had lost them.",
                  consumer, number(c.damaged));
  }
}

void upstream(Sheet& sheet, const std::string& source, const Upstream& side) {
  for (const auto& lag : side.lags) {
    const Labels where{{"source", source}, {"place", lag.place}};
    sheet.gauge("weir_source_lag_events", "Events that wait where a source reads, and are not settled.", where,
                number(lag.events));
    sheet.gauge("weir_source_lag_seconds", "Age of the oldest of them.", where, seconds(lag.age));
  }
  for (const auto& [what, count] : side.counts)
    sheet.counter("weir_source_count_total", "What a source counts besides, by its type.",
                  {{"source", source}, {"what", std::string(what)}}, number(count));
}

void of_process(Sheet& sheet, const Process& p) {
  if (p.cpu_seconds)
    sheet.counter("process_cpu_seconds_total", "Time of the processors, user and system.", {}, *p.cpu_seconds);
  if (p.resident_bytes) sheet.gauge("process_resident_memory_bytes", "Memory in RAM.", {}, *p.resident_bytes);
  if (p.virtual_bytes) sheet.gauge("process_virtual_memory_bytes", "Address space in use.", {}, *p.virtual_bytes);
  if (p.open_fds) sheet.gauge("process_open_fds", "Open file descriptors.", {}, *p.open_fds);
  if (p.max_fds) sheet.gauge("process_max_fds", "File descriptors that may be open.", {}, *p.max_fds);
  if (p.start_seconds)
    sheet.gauge("process_start_time_seconds", "When the process started, since 1970.", {}, *p.start_seconds);
}

}  // namespace

std::string prometheus_text(const pipeline::FlowStatus& status, const Process& process, const AdminRefusals& refusals,
                            const gateway::Status& requests, const AlertState& alerts) {
  Sheet sheet;
  sheet.gauge("weir_build_info", "1, with the version that runs.", {{"version", WEIR_VERSION}}, 1);
  of_process(sheet, process);
  sheet.gauge("weir_up", "1 while the flow runs, 0 while it stops.", {}, status.stopping ? 0 : 1);
  sheet.gauge("weir_uptime_seconds", "Since start.", {}, seconds(status.uptime));
  constexpr std::array<const char*, 3> results{"applied", "refused", "invalid"};
  for (std::size_t i = 0; i < results.size(); ++i)
    sheet.counter("weir_reloads_total", "Times that the configuration was read again, by what came of it.",
                  {{"result", results[i]}}, number(status.reloads[i]));
  for (const bool taken : {true, false})
    sheet.counter("weir_file_renewals_total",
                  "Times that replaced certificates or secrets were read again without a signal, by what came of it.",
                  {{"result", taken ? "taken" : "refused"}}, number(status.renewals[taken ? 0 : 1]));
  for (const auto& [reason, n] :
       {std::pair{Reason::unauthorized, refusals.unauthorized}, std::pair{Reason::too_many_guesses, refusals.guesses}})
    sheet.counter("weir_admin_refused_total", "Requests that the admin listener did not answer, by reason.",
                  {{"reason", std::string(weir::name(reason))}}, number(n));
  sheet.gauge("weir_memory_limit_bytes", "The memory that was set.", {}, number(status.memory.count()));
  sheet.gauge("weir_memory_footprint_bytes", "Declared footprints of all parts.", {},
              number(status.footprints.count()));
  sheet.gauge("weir_memory_budget_bytes", "What sources may reserve.", {}, number(status.budget.count()));
  sheet.gauge("weir_memory_budget_used_bytes", "What sources have reserved.", {}, number(status.budget_used.count()));
  const auto ledger = status.ledger();
  sheet.gauge("weir_ledger_in_transit_events",
              "Surplus of in over everything accounted for, at this scrape; 0 at rest.", {},
              static_cast<double>(ledger.in_transit));
  sheet.gauge("weir_ledger_worst_difference_events", "The largest difference of any node; negative would be a defect.",
              {}, static_cast<double>(ledger.worst));
  for (const auto& s : status.sources) {
    node(sheet, "source", s.name, s.node);
    sheet.counter("weir_door_admitted_total", "Requests let in.", {{"source", s.name}}, number(s.admitted));
    for (std::size_t r = 0; r < s.refused_by.size(); ++r)
      if (s.refused_by[r])
        sheet.counter("weir_door_refused_total", "Requests refused before their body was read, by reason.",
                      {{"source", s.name}, {"reason", std::string(weir::name(static_cast<Reason>(r)))}},
                      number(s.refused_by[r]));
    sheet.counter("weir_door_held_total", "Requests held unread for a moment before they were let in or refused.",
                  {{"source", s.name}}, number(s.held));
    sheet.gauge("weir_source_paused", "1 while the source does not read.", {{"source", s.name}}, s.paused ? 1 : 0);
    upstream(sheet, s.name, s.upstream);
    guards(sheet, "source", s.name, s.guards);
  }
  for (const auto& s : status.stages) {
    node(sheet, "stage", s.name, s.node);
    for (const auto& count : s.counts)
      sheet.counter("weir_stage_count_total", "What a stage counts besides events: keys it forgot, groups it folded.",
                    {{"stage", s.name}, {"what", std::string(count.what)}}, number(count.n));
  }
  for (const auto& j : status.journals) journal(sheet, j);
  for (const auto& s : status.sinks) {
    node(sheet, "sink", s.name, s.node);
    queue(sheet, s);
    sink(sheet, s);
    guards(sheet, "sink", s.name, s.guards);
  }
  for (const auto& g : requests.gateways)
    for (const auto& route : g.guarded) guards(sheet, "route", g.name + " " + route.path, route.guards);
  add_requests(sheet, requests);
  of_alerts(sheet, alerts);
  return sheet.text();
}

}  // namespace weir::observe
