#include "observe/request_metrics.h"

namespace weir::observe {
namespace {

void gateway(Sheet& sheet, const gateway::GatewayStatus& g) {
  const Sheet::Labels who{{"gateway", g.name}};
  const auto with = [&](const char* key, std::string value) {
    Sheet::Labels labels = who;
    labels.emplace_back(key, std::move(value));
    return labels;
  };
  sheet.counter("weir_gateway_requests_total", "Requests that came in.", who, number(g.requests.in));
  for (std::size_t i = 1; i < g.requests.answered.size(); ++i)
    sheet.counter("weir_gateway_answered_total", "Requests answered by an upstream, by class of the status.",
                  with("status", std::to_string(i) + "xx"), number(g.requests.answered[i]));
  for (std::size_t r = 0; r < gateway::reason_count; ++r) {
    const std::string reason(name(static_cast<Reason>(r)));
    if (g.requests.refused[r])
      sheet.counter("weir_gateway_refused_total", "Requests that the gateway answered by itself, by reason.",
                    with("reason", reason), number(g.requests.refused[r]));
    if (g.requests.abandoned[r])
      sheet.counter("weir_gateway_abandoned_total", "Requests without a whole answer, by reason.",
                    with("reason", reason), number(g.requests.abandoned[r]));
  }
  sheet.gauge("weir_gateway_in_flight", "Requests under way, those that wait included.", who, number(g.in_flight));
  sheet.counter("weir_gateway_degraded_total", "Refused requests that got their route's degraded answer.", who,
                number(g.requests.degraded));
  sheet.gauge("weir_gateway_switched", "Connections that carry another protocol after an upgrade.", who,
              number(g.switched));
  sheet.counter("weir_gateway_access_log_dropped_total", "Lines that the access log could not write.", who,
                number(g.log_dropped));
  for (const auto& [how, n] :
       {std::pair{"hit", g.cache.hits}, {"validated", g.cache.validated}, {"stale", g.cache.stale}})
    sheet.counter("weir_gateway_cache_answers_total", "Requests answered from a cache, by how.", with("how", how),
                  number(n));
  sheet.counter("weir_gateway_cache_waited_total", "Requests that waited for the answer of another one.", who,
                number(g.cache.coalesced));
  sheet.gauge("weir_gateway_cache_bytes", "What caches hold.", who, number(g.cache.bytes));
  sheet.gauge("weir_gateway_connections", "Connections of clients.", who, number(g.connections));
  sheet.counter("weir_gateway_refused_connections_total", "Connections refused at max_connections.", who,
                number(g.refused_connections));
  sheet.counter("weir_gateway_malformed_total",
                "Malformed requests; those malformed in the head are not counted as requests.", who,
                number(g.malformed));
  sheet.gauge("weir_gateway_ledger_difference", "In less all that is accounted for; other than 0 would be a defect.",
              who, static_cast<double>(g.difference()));
}

void endpoint(Sheet& sheet, const std::string& upstream, const gateway::EndpointStatus& e) {
  const Sheet::Labels who{{"upstream", upstream}, {"endpoint", e.address}};
  sheet.gauge("weir_endpoint_in_flight", "Requests at an endpoint.", who, number(e.in_flight));
  sheet.gauge("weir_endpoint_connections", "Connections to an endpoint.", who, number(e.connections));
  sheet.counter("weir_endpoint_opened_total", "Connections opened.", who, number(e.opened));
  sheet.counter("weir_endpoint_reused_total", "Requests sent over a kept connection.", who, number(e.reused));
  sheet.gauge("weir_endpoint_left_alone", "1 while it is left alone because it failed.", who,
              e.left_alone > Duration{0} ? 1 : 0);
  sheet.gauge("weir_endpoint_unwell", "1 while its health check fails.", who, e.unwell ? 1 : 0);
  sheet.gauge("weir_endpoint_level", "How full it says it is, 0 to 1 (Weir-Pressure).", who, e.level);
  sheet.counter("weir_endpoint_left_alone_total", "Times it was left alone.", who, number(e.ejections));
}

void upstream(Sheet& sheet, const gateway::UpstreamStatus& u) {
  const Sheet::Labels who{{"upstream", u.name}};
  sheet.gauge("weir_upstream_limit", "Requests that may be in flight now.", who, u.limit.limit.limit);
  sheet.gauge("weir_upstream_in_flight", "Requests in flight.", who, u.limit.in_flight);
  for (const auto& [outcome, n] :
       {std::pair{"answered", u.limit.answered}, {"failed", u.limit.failed}, {"ignored", u.limit.ignored}})
    sheet.counter("weir_upstream_ended_total", "Places given back, by what the limit learned.",
                  {{"upstream", u.name}, {"outcome", outcome}}, number(n));
  sheet.gauge("weir_upstream_waiting", "Requests that wait for a place.", who, u.room.waiting);
  sheet.counter("weir_upstream_waited_total", "Requests that waited for a place.", who, number(u.room.entered));
  sheet.gauge("weir_upstream_breaker_open", "1 while its breaker is open.", who,
              u.destination.breaker == flow::BreakerState::open ? 1 : 0);
  sheet.counter("weir_upstream_breaker_opened_total", "Times its breaker opened.", who, number(u.destination.opened));
  sheet.counter("weir_upstream_attempts_total", "Attempts, retries included.", who, number(u.destination.attempts));
  sheet.counter("weir_upstream_retries_total", "Retries, hedges included.", who, number(u.destination.retries));
  sheet.counter("weir_upstream_hedges_total", "Requests sent to a second endpoint because the first one was slow.", who,
                number(u.hedges.sent));
  sheet.counter("weir_upstream_hedges_won_total", "Of them, those that answered first.", who, number(u.hedges.won));
  for (const auto& [why, n] :
       {std::pair{"place", u.hedges.no_place}, {"budget", u.hedges.no_budget}, {"endpoint", u.hedges.no_endpoint}})
    sheet.counter("weir_upstream_hedges_left_out_total", "Hedges that were not sent, by what there was none of.",
                  {{"upstream", u.name}, {"none", why}}, number(n));
  sheet.counter("weir_upstream_repeated_total", "Sent once more, because a kept connection had gone.", who,
                number(u.repeated));
  for (const auto& e : u.endpoints) endpoint(sheet, u.name, e);
}

}  // namespace

void add_requests(Sheet& sheet, const gateway::Status& status) {
  for (const auto& g : status.gateways) gateway(sheet, g);
  for (const auto& u : status.upstreams) upstream(sheet, u);
}

}  // namespace weir::observe
