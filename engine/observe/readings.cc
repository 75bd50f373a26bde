#include "observe/readings.h"

#include <fmt/format.h>
#include <weir/flow/signal/pressure_level.h>

#include <algorithm>
#include <utility>

namespace weir::observe {
namespace {

using Limits = AlertThresholds;
using pipeline::human;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string facts_of_queue(const pipeline::SinkStatus& sink) {
  const auto& p = sink.pressure;
  const auto left = flow::soon_full(p);
  const std::string when = p.fill >= 0.99 ? "its queue is full"
                           : left         ? fmt::format("its queue is full in {}", human(*left))
                                          : "readers are paused";
  return fmt::format("{} ({:.0f} % of it, {:+.0f} events/s) <- {}", when, p.fill * 100, p.growth.value,
                     sink.why.empty() ? "more comes than it delivers" : sink.why);
}

template <typename Memory>
void forget(std::map<std::string, Memory>& memories, TimePoint now) {
  std::erase_if(memories, [&](const auto& m) { return m.second.seen != now; });
}

}  // namespace

std::vector<Reading> Readings::take(const pipeline::FlowStatus& flow, const gateway::Status& requests, TimePoint now) {
  readings_.clear();
  of_flow(flow, requests);
  for (const auto& sink : flow.sinks) of_sink(sink, now);
  for (const auto& source : flow.sources) {
    if (source.upstream.lags.empty()) continue;
    std::uint64_t events = 0;
    Duration age{0};
    for (const auto& lag : source.upstream.lags) {
      events += lag.events;
      age = std::max(age, lag.age);
    }
    of_lag("source", source.name, events, age, now);
  }
  for (const auto& journal : flow.journals)
    for (const auto& consumer : journal.consumers)
      if (consumer.configured)
        of_lag("journal", journal.name + ":" + consumer.name, consumer.lag_events, consumer.lag, now);
  for (const auto& gateway : requests.gateways) of_gateway(gateway, now);
  for (const auto& upstream : requests.upstreams) of_upstream(upstream);
  forget(sinks_, now);
  forget(gateways_, now);
  forget(lags_, now);
  return std::move(readings_);
}

void Readings::add(AlertRule rule, std::string kind, std::string node, bool crossed, std::string text) {
  if (!settings_[static_cast<std::size_t>(rule)].on) return;
  readings_.push_back({rule, std::move(kind), std::move(node), crossed, crossed ? std::move(text) : std::string()});
}

void Readings::of_flow(const pipeline::FlowStatus& flow, const gateway::Status& requests) {
  const double used =
      share(static_cast<std::uint64_t>(flow.budget_used.count()), static_cast<std::uint64_t>(flow.budget.count()));
  add(AlertRule::memory, "flow", "", used > above(AlertRule::memory),
      fmt::format("{:.0f} % of the memory budget is reserved", used * 100));
  auto off = flow.ledger().worst;
  std::string where = flow.ledger().where;
  for (const auto& gateway : requests.gateways)
    if (gateway.difference() != 0) off = gateway.difference(), where = gateway.name;
  add(AlertRule::ledger, "flow", "", off != 0, fmt::format("{} is off by {}", where, off));
}

void Readings::of_sink(const pipeline::SinkStatus& sink, TimePoint now) {
  auto& memory = sinks_[sink.name];
  of_depth(sink, memory, now);
  of_deliveries(sink, memory, now);
  memory.seen = now;
  const auto verdict = flow::judge(sink.sojourn);
  add(AlertRule::latency, "sink", sink.name,
      verdict == flow::SojournVerdict::subset || verdict == flow::SojournVerdict::systemic ||
          verdict == flow::SojournVerdict::stalled,
      sink.latency);
  add(AlertRule::breaker_open, "sink", sink.name, sink.destination.breaker == flow::BreakerState::open, sink.why);
}

void Readings::of_depth(const pipeline::SinkStatus& sink, SinkMemory& memory, TimePoint now) {
  const auto level = flow::level_of(sink.pressure);
  const bool soon = flow::soon_full(sink.pressure).has_value() && level != flow::PressureLevel::normal;
  add(AlertRule::queue_full_soon, "sink", sink.name, soon || level == flow::PressureLevel::critical,
      facts_of_queue(sink));
  const auto depth = static_cast<double>(sink.pressure.waiting.events);
  const double normal = memory.depth.normal();
  add(AlertRule::queue_depth, "sink", sink.name,
      memory.depth.known() && depth > above(AlertRule::queue_depth) * normal &&
          sink.pressure.fill >= Limits::depth_fill,
      fmt::format("{:.0f} events wait, usually {:.0f}", depth, normal));
  if (memory.seen != TimePoint{}) memory.depth.look(depth, now - memory.seen);
}

void Readings::of_deliveries(const pipeline::SinkStatus& sink, SinkMemory& memory, TimePoint now) {
  memory.attempts.look(sink.destination.attempts, now);
  memory.failures.look(sink.destination.failures, now);
  memory.busy.look(sink.busy_ns, now);
  const auto failed = memory.failures.growth(), tried = std::max(memory.attempts.growth(), failed);
  add(AlertRule::errors, "sink", sink.name,
      failed >= Limits::least_errors && share(failed, tried) > above(AlertRule::errors),
      fmt::format("{} of {} attempts failed in {}: {}", failed, tried, human(memory.attempts.watched()),
                  sink.last_error));
  const double could = seconds(memory.busy.watched()) * 1e9 * sink.workers;
  const double busy = could > 0 ? static_cast<double>(memory.busy.growth()) / could : 0;
  add(AlertRule::utilisation, "sink", sink.name,
      memory.busy.watched() >= Limits::lately && busy > above(AlertRule::utilisation),
      fmt::format("its {} workers are busy for {:.0f} % of the time", sink.workers, std::min(1.0, busy) * 100));
}

void Readings::of_lag(const std::string& kind, const std::string& node, std::uint64_t events, Duration age,
                      TimePoint now) {
  auto& memory = lags_[kind + "/" + node];
  memory.seen = now;
  add(AlertRule::lag, kind, node, seconds(age) > above(AlertRule::lag),
      fmt::format("{} events behind, the oldest by {}", events, human(age)));
  if (now >= memory.next) {
    std::rotate(memory.ends.begin(), memory.ends.begin() + 1, memory.ends.end());
    memory.ends.back() = events;
    memory.known = std::min(memory.known + 1, memory.ends.size());
    memory.next = now + Limits::lag_trend / 3;
  }
  const auto& e = memory.ends;
  const bool grows =
      memory.known == e.size() && std::adjacent_find(e.begin(), e.end(), std::greater_equal<>()) == e.end();
  const auto by = grows ? e.back() - e.front() : 0;
  add(AlertRule::lag_growth, kind, node, static_cast<double>(by) >= above(AlertRule::lag_growth),
      fmt::format("{} events behind, {} more than {} ago", events, by, human(Limits::lag_trend)));
}

void Readings::of_gateway(const gateway::GatewayStatus& gateway, TimePoint now) {
  auto& memory = gateways_[gateway.name];
  memory.seen = now;
  std::uint64_t answers = 0;
  for (const auto n : gateway.requests.answered) answers += n;
  memory.answers.look(answers, now);
  memory.errors.look(gateway.requests.answered[5], now);
  const auto failed = memory.errors.growth(), all = memory.answers.growth();
  add(AlertRule::errors, "gateway", gateway.name,
      failed >= Limits::least_errors && share(failed, all) > above(AlertRule::errors),
      fmt::format("{} of {} answers of its upstreams in {} were errors (5xx)", failed, all,
                  human(memory.answers.watched())));
}

void Readings::of_upstream(const gateway::UpstreamStatus& upstream) {
  const auto limit = upstream.limit.limit.limit;
  add(AlertRule::pool, "upstream", upstream.name,
      limit > 0 && share(upstream.limit.in_flight, limit) > above(AlertRule::pool),
      fmt::format("{} of at most {} requests are under way", upstream.limit.in_flight, limit));
  add(AlertRule::breaker_open, "upstream", upstream.name, upstream.destination.breaker == flow::BreakerState::open,
      upstream.why);
}

}  // namespace weir::observe
