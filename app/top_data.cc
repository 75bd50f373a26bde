#include "top_data.h"

#include <weir/base/terminal_text.h>

#include <algorithm>

#include "json_row.h"

namespace weir::app {
namespace {

TopSource source(JsonRow row) {
  TopSource s;
  s.name = text(row, "name"), s.type = text(row, "type"), s.address = text(row, "address");
  s.acks = text(row, "acks"), s.why = text(row, "why"), s.paused = flag(row, "paused");
  s.in = number(row, "in"), s.bytes = number(row, "bytes"), s.refused = number(row, "refused");
  s.pending = number(row, "pending");
  return s;
}

TopStage stage(JsonRow row) {
  TopStage s;
  s.name = text(row, "name"), s.in = number(row, "in"), s.emitted = number(row, "emitted");
  s.filtered = number(row, "filtered"), s.dropped = number(row, "dropped"), s.pending = number(row, "pending");
  return s;
}

TopSink sink(JsonRow row) {
  TopSink s;
  s.name = text(row, "name"), s.type = text(row, "type"), s.breaker = text(row, "breaker");
  s.last_error = text(row, "last_error"), s.held_up_by = text(row, "held_up_by"), s.why = text(row, "why");
  s.required = flag(row, "required"), s.paused = flag(row, "paused");
  s.stored = number(row, "stored"), s.already = number(row, "already"), s.waiting = number(row, "waiting"),
  s.bound = number(row, "bound");
  s.waiting_bytes = number(row, "waiting_bytes"), s.bound_bytes = number(row, "bound_bytes");
  s.fill = number(row, "fill"), s.oldest = number(row, "oldest_age_s"), s.retries = number(row, "retries");
  s.failures = number(row, "failures"), s.dead_lettered = number(row, "dead_lettered");
  s.dropped = number(row, "dropped"), s.failed = number(row, "failed"), s.workers = number(row, "workers");
  s.workers_busy = number(row, "workers_busy"), s.busy = number(row, "busy_s");
  s.blocked_for = number(row, "blocked_for_s");
  if (JsonRow latency; !row["latency"].get(latency)) s.latency = text(latency, "sentence");
  return s;
}

TopAlert alert_of(JsonRow row) {
  TopAlert a;
  a.rule = text(row, "rule"), a.kind = text(row, "kind"), a.node = text(row, "node"), a.text = text(row, "text");
  a.lasts = number(row, "lasts_s"), a.warns = text(row, "severity") == "warning";
  return a;
}

/// Of counts by what they are of.
double sum(JsonRow row, const char* key) {
  double all = 0;
  simdjson::dom::object counts;
  if (row[key].get(counts)) return all;
  for (const auto& count : counts) all += number(row[key], std::string(count.key).c_str());
  return all;
}

TopGateway gateway_of(JsonRow row) {
  TopGateway g;
  g.name = text(row, "name"), g.address = text(row, "address");
  g.in = number(row, "in"), g.answered = sum(row, "answered"), g.refused = sum(row, "refused");
  g.abandoned = sum(row, "abandoned"), g.in_flight = number(row, "in_flight");
  g.connections = number(row, "connections");
  simdjson::dom::array routes;
  if (row["guarded"].get(routes)) return g;
  for (JsonRow route : routes)
    if (const std::string why = text(route, "why"); g.why.empty() && !why.empty())
      g.why = text(route, "path") + ": " + why;
  return g;
}

TopUpstream upstream_of(JsonRow row) {
  TopUpstream u;
  u.name = text(row, "name"), u.breaker = text(row, "breaker"), u.why = text(row, "why");
  u.limit = number(row, "limit"), u.in_flight = number(row, "in_flight"), u.waiting = number(row, "waiting");
  simdjson::dom::array endpoints;
  if (row["endpoints"].get(endpoints)) return u;
  for (JsonRow endpoint : endpoints) {
    ++u.endpoints;
    u.unwell += flag(endpoint, "unwell") || number(endpoint, "left_alone_s") > 0;
  }
  return u;
}

template <typename T, typename Make>
void rows_of(JsonRow graph, const char* key, std::vector<T>& out, Make make) {
  simdjson::dom::array rows;
  if (graph[key].get(rows)) return;
  for (JsonRow row : rows) out.push_back(make(row));
}

template <typename T, typename F>
void with_earlier(std::vector<T>& now, const std::vector<T>& before, F&& f) {
  for (T& row : now)
    if (const auto was = std::ranges::find(before, row.name, &T::name); was != before.end()) f(row, *was);
}

}  // namespace

TopData top_data(JsonRow graph) {
  TopData data;
  data.uptime = number(graph, "uptime_s");
  data.stopping = flag(graph, "stopping");
  JsonRow part;
  if (!graph["memory"].get(part))
    data.budget = number(part, "budget"), data.used = number(part, "used"), data.limit = number(part, "limit");
  if (!graph["ledger"].get(part)) {
    data.in_transit = number(part, "in_transit"), data.difference = number(part, "worst_difference");
    data.worst_at = text(part, "worst_at");
  }
  rows_of(graph, "sources", data.sources, source);
  rows_of(graph, "stages", data.stages, stage);
  rows_of(graph, "sinks", data.sinks, sink);
  rows_of(graph, "alerts", data.alerts, alert_of);
  rows_of(graph, "gateways", data.gateways, gateway_of);
  rows_of(graph, "upstreams", data.upstreams, upstream_of);
  return data;
}

void add_rates(TopData& now, const TopData& before) {
  const double time = now.uptime - before.uptime;
  if (time <= 0) return;
  const auto rate = [time](double later, double earlier) { return std::max(0.0, (later - earlier) / time); };
  with_earlier(now.sources, before.sources, [&](TopSource& s, const TopSource& was) {
    s.rate = rate(s.in, was.in), s.byte_rate = rate(s.bytes, was.bytes), s.refused_rate = rate(s.refused, was.refused);
  });
  with_earlier(now.stages, before.stages, [&](TopStage& s, const TopStage& was) {
    s.rate_in = rate(s.in, was.in), s.rate_out = rate(s.emitted, was.emitted);
    s.filtered_rate = rate(s.filtered, was.filtered), s.dropped_rate = rate(s.dropped, was.dropped);
  });
  with_earlier(now.gateways, before.gateways, [&](TopGateway& g, const TopGateway& was) {
    g.rate = rate(g.in, was.in), g.answered_rate = rate(g.answered, was.answered);
    g.refused_rate = rate(g.refused, was.refused);
  });
  with_earlier(now.sinks, before.sinks, [&](TopSink& s, const TopSink& was) {
    s.rate = rate(s.stored, was.stored), s.retry_rate = rate(s.retries, was.retries);
    s.dropped_rate = rate(s.dropped, was.dropped), s.busy_share = std::min(1.0, rate(s.busy, was.busy));
  });
}

}  // namespace weir::app
