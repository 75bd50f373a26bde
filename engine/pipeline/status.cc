#include "pipeline/status.h"

#include <fmt/format.h>

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
    look(s.edge_difference(), "inlet of sink " + s.name);
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

std::string describe(const SinkStatus& sink) {
  const auto& p = sink.pressure;
  const bool by_bytes =
      p.bound.bytes.count() && static_cast<double>(p.waiting.bytes.count()) * static_cast<double>(p.bound.events) >
                                   static_cast<double>(p.waiting.events) * static_cast<double>(p.bound.bytes.count());
  std::string text = by_bytes
                         ? fmt::format("inlet {}/{} KiB", p.waiting.bytes.count() >> 10, p.bound.bytes.count() >> 10)
                         : fmt::format("inlet {}/{} events", p.waiting.events, p.bound.events);
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
  if (!failing && p.service_rate.value > 0 && p.fill > 0.5)
    text += fmt::format(" <- serves {:.0f} events/s", p.service_rate.value);
  if (!failing && sink.workers_busy == sink.workers && p.service_rate.value <= 0)
    text += " <- delivering, nothing confirmed yet";
  return text;
}

}  // namespace weir::pipeline
