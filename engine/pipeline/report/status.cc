#include "pipeline/report/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir::pipeline {

std::int64_t SinkStatus::edge_difference() const {
  std::int64_t d = static_cast<std::int64_t>(edge.offered.events) - static_cast<std::int64_t>(edge.delivered.events) -
                   static_cast<std::int64_t>(edge.drained.events) - static_cast<std::int64_t>(edge.pending.events);
  for (auto n : edge.dropped) d -= static_cast<std::int64_t>(n);
  return d;
}

FlowStatus::Ledger FlowStatus::ledger() const {
  Ledger result;
  auto look = [&](std::int64_t difference, const std::string& where) {
    result.in_transit += std::max<std::int64_t>(0, difference);
    if (std::abs(difference) <= std::abs(result.worst) && !(difference < 0 && result.worst >= 0)) return;
    result.worst = difference;
    result.where = where;
  };
  for (const auto& s : sources) look(s.node.difference(), "source " + s.name);
  for (const auto& s : stages) look(s.node.difference(), "stage " + s.name);
  for (const auto& s : sinks) {
    look(s.edge_difference(), "queue of sink " + s.name);
    look(s.node.difference(), "sink " + s.name);
  }
  return result;
}

std::string human(Duration d) {
  const double s = seconds(d);
  if (s < 0.001) return fmt::format("{:.0f} us", s * 1e6);
  if (s < 1) return fmt::format("{:.0f} ms", s * 1e3);
  if (s < 10) return fmt::format("{:.1f} s", s);
  if (s < 120) return fmt::format("{:.0f} s", s);
  return fmt::format("{:.0f} min", s / 60);
}

std::string describe_lag(const std::vector<JournalStatus>& journals, std::string_view journal,
                         std::string_view consumer, const std::string& why) {
  const auto in = std::ranges::find(journals, journal, &JournalStatus::name);
  if (in == journals.end()) return why;
  const auto c = std::ranges::find(in->consumers, consumer, &JournalStatus::Consumer::name);
  if (c == in->consumers.end() || c->lag_events == 0) return why;
  const double mib = static_cast<double>(c->lag_bytes) / (1 << 20);
  return fmt::format("{} events ({:.1f} MiB, {}) behind{}{}", c->lag_events, mib, human(c->lag),
                     why.empty() ? "" : " <- ", why);
}

std::string describe_lag(const Upstream& upstream, const std::string& why) {
  std::uint64_t events = 0;
  std::size_t places = 0;
  Duration age{0};
  for (const auto& lag : upstream.lags) {
    if (lag.events == 0) continue;
    events += lag.events;
    age = std::max(age, lag.age);
    ++places;
  }
  std::string text;
  if (events > 0) text = fmt::format("{} events ({}) behind in {} places", events, human(age), places);
  for (const auto* cause : {&upstream.trouble, &why})
    if (!cause->empty()) text += (text.empty() ? "" : " <- ") + *cause;
  return text;
}

std::string describe(const SpillStatus& spill) {
  std::string text;
  const auto bytes = static_cast<double>(spill.bytes.count());
  if (spill.events > 0)
    text = bytes < (1 << 30) ? fmt::format(", {:.1f} MiB spilled", bytes / (1 << 20))
                             : fmt::format(", {:.1f} GiB spilled", bytes / (1 << 30));
  if (!spill.error.empty()) text += " <- cannot spill: " + spill.error;
  return text;
}

std::string describe(const SinkStatus& sink) {
  const auto& p = sink.pressure;
  const bool by_bytes =
      p.bound.bytes.count() && static_cast<double>(p.waiting.bytes.count()) * static_cast<double>(p.bound.events) >
                                   static_cast<double>(p.waiting.events) * static_cast<double>(p.bound.bytes.count());
  std::string text = by_bytes
                         ? fmt::format("queue {}/{} KiB", p.waiting.bytes.count() >> 10, p.bound.bytes.count() >> 10)
                         : fmt::format("queue {}/{} events", p.waiting.events, p.bound.events);
  if (sink.spill) text += describe(*sink.spill);
  const auto& d = sink.destination;
  if (d.breaker == flow::BreakerState::open)
    text += sink.blocked_for > Duration{0} ? fmt::format(" <- breaker open, next probe in {}", human(sink.blocked_for))
                                           : std::string(" <- breaker open, about to probe");
  else if (sink.blocked_for > Duration{0})
    text += fmt::format(" <- trying again in {}", human(sink.blocked_for));
  else if (sink.failing)
    text += " <- trying again now";
  const bool failing = sink.failing || d.breaker != flow::BreakerState::closed;
  if (failing && !sink.last_error.empty()) text += " <- " + sink.last_error;
  if (!failing && !sink.paced_to.empty())
    text += fmt::format(" <- its own rate (guards) lets {} pass, not the destination", sink.paced_to);
  else if (!failing && p.service_rate.value > 0 && p.fill > 0.5)
    text += fmt::format(" <- serves {:.0f} events/s", p.service_rate.value);
  if (!failing && sink.workers_busy == sink.workers && p.service_rate.value <= 0)
    text += " <- delivering, nothing confirmed yet";
  return text;
}

namespace {

std::string subset(const SinkStatus& sink) {
  const flow::Sojourn& s = sink.sojourn;
  std::string text = fmt::format("p99 {} (usual {}) but p50 still {}", human(s.now.p99),
                                 s.usual ? human(s.usual->p99) : "not known yet", human(s.now.p50));
  if (s.under_way >= flow::patience_of(s))
    text = fmt::format("a delivery has been under way for {} while others end (p50 {}, p99 {})", human(s.under_way),
                       human(s.now.p50), human(s.now.p99));
  return text + ": a subset is stuck, look at " +
         (sink.workers > 1 ? fmt::format("what one of its {} workers, ", sink.workers) : std::string("what one ")) +
         "key, host or kind of event has that the others have not";
}

std::string systemic(const SinkStatus& sink) {
  const flow::Sojourn& s = sink.sojourn;
  // Whether most of the time is waiting is judged by how long the oldest event has waited by now.
  const bool waiting = sink.pressure.oldest_age * 2 >= s.now.p50;
  return fmt::format("p50 {} (usual {}) and p99 {} (usual {}): systemic, the whole of it is slow; look at {}",
                     human(s.now.p50), human(s.usual->p50), human(s.now.p99), human(s.usual->p99),
                     waiting ? "how much comes and how fast it serves: most of the time is waiting in its queue"
                             : "what it delivers to: most of the time is delivering");
}

}  // namespace

std::string describe_latency(const SinkStatus& sink) {
  const flow::Sojourn& s = sink.sojourn;
  const std::string now = fmt::format("p50 {}, p99 {}", human(s.now.p50), human(s.now.p99));
  switch (flow::judge(s)) {
    case flow::SojournVerdict::too_few:
      return s.batches == 0 ? "not enough events to tell: none ended lately" : now + ", not enough events to tell";
    case flow::SojournVerdict::usual_unknown: return now + "; what is usual is not known yet";
    case flow::SojournVerdict::as_usual: return now + ", as usual";
    case flow::SojournVerdict::subset: return subset(sink);
    case flow::SojournVerdict::systemic: return systemic(sink);
    case flow::SojournVerdict::stalled: break;
  }
  return fmt::format("nothing ends: the oldest event has been here for {}{}", human(s.oldest),
                     s.usual ? fmt::format(" (usual p99 {})", human(s.usual->p99)) : std::string());
}

}  // namespace weir::pipeline
