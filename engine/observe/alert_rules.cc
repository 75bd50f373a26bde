#include "observe/alert_rules.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

namespace weir::observe {
namespace {

constexpr std::array<AlertRuleInfo, alert_rule_count> rules{{
    {AlertRule::queue_full_soon, "queue_full_soon", "sink",
     "its queue is full, or will be within 60 s at its present growth",
     "find out what holds the sink up (`weir why`), or give it more workers; what comes meanwhile waits or is refused",
     "weir_queue_fill_ratio >= 0.99 or (weir_queue_time_to_full_seconds <= 60 and weir_queue_growth_events_per_second "
     ">= 0.005 * weir_queue_bound_events)"},
    {AlertRule::queue_depth, "queue_depth", "sink",
     "more than 5 times as many events wait as usual, and the queue is filled to a tenth at least",
     "compare what comes in with what goes out: more comes than usual, or the sink has become slower",
     "weir_queue_events > 5 * avg_over_time(weir_queue_events[12h] offset 10m) and weir_queue_fill_ratio >= 0.1"},
    {AlertRule::errors, "errors", "sink, gateway",
     "more than 5 % of the attempts (of a gateway: of its answers) failed in the last 5 s, and at least 3",
     "look at the destination: its own words are in `weir why`",
     "rate(weir_destination_failures_total[1m]) > 0.05 * rate(weir_destination_attempts_total[1m]) or sum without "
     "(status) (rate(weir_gateway_answered_total{status=\"5xx\"}[1m])) > 0.05 * sum without (status) "
     "(rate(weir_gateway_answered_total[1m]))"},
    {AlertRule::utilisation, "utilisation", "sink", "its workers were busy for more than 80 % of the last 5 s",
     "work waits longer and longer beyond this: give it more workers if the destination can take more",
     "sum without (state) (rate(weir_sink_worker_seconds_total{state=\"busy\"}[1m])) > 0.8 * weir_sink_workers"},
    {AlertRule::latency, "latency", "sink",
     "p99 of the last half minute is 3 times the usual one, or nothing ends any more",
     "if p50 is as usual a part is stuck, otherwise all of it is slow",
     "weir_sink_recent_time_seconds{quantile=\"0.99\"} > 3 * weir_sink_usual_time_seconds{quantile=\"0.99\"} + 0.01"},
    {AlertRule::lag, "lag", "source, journal", "the oldest event that waits to be read is older than 5 minutes",
     "the consumer does not keep up: `weir why` says what holds it",
     "weir_source_lag_seconds > 300 or weir_consumer_lag_seconds > 300"},
    {AlertRule::lag_growth, "lag_growth", "source, journal",
     "what waits to be read grew in each of the last three times 10 s, by 1 000 events at least",
     "more comes than is read: more workers, more partitions and instances, or less work for each event",
     "30 * sum without (place) (deriv(weir_source_lag_events[2m])) > 1000 or 30 * deriv(weir_consumer_lag_events[2m]) "
     "> 1000"},
    {AlertRule::memory, "memory", "flow", "more than 80 % of the memory budget is reserved",
     "events wait somewhere: look at the fullest queue; raise memory only if that is what you want to keep waiting",
     "weir_memory_budget_used_bytes > 0.8 * weir_memory_budget_bytes"},
    {AlertRule::pool, "pool", "upstream", "more than 80 % of the requests that may be under way to it are",
     "it is close to its limit: from there on requests wait and are refused",
     "weir_upstream_in_flight > 0.8 * weir_upstream_limit"},
    {AlertRule::breaker_open, "breaker_open", "sink, upstream",
     "its breaker is open: nothing is sent to it until a probe succeeds",
     "look at the destination; the breaker closes by itself when it answers again",
     "weir_destination_breaker_open == 1 or weir_upstream_breaker_open == 1"},
    {AlertRule::ledger, "ledger", "flow", "events or requests are not accounted for, for 10 s",
     "this is a defect of Weir: please report it with the output of /api/ledger",
     "weir_ledger_worst_difference_events != 0 or weir_gateway_ledger_difference != 0"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (static_cast<std::size_t>(rules[i].rule) != i || rules[i].name != config::alert_names[i]) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const AlertRuleInfo, alert_rule_count> alert_rules() { return rules; }

std::string prometheus_rules() {
  std::string out = "groups:\n- name: weir\n  rules:\n";
  for (const AlertRuleInfo& rule : rules) {
    const auto& usual = config::usual_alerts[static_cast<std::size_t>(rule.rule)];
    out += fmt::format(
        "  - alert: weir_{}\n    expr: |-\n      {}\n    for: {:.0f}s\n    labels:\n      severity: {}\n"
        "    annotations:\n      summary: {}\n      advice: {}\n",
        rule.name, rule.query, seconds(usual.hold), usual.warns ? "warning" : "info", json_text(rule.when),
        json_text(rule.advice));
  }
  return out;
}

}  // namespace weir::observe
