#include "observe/history.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "config/memory.h"
#include "log/log.h"
#include "observe/json_list.h"

namespace weir::observe {
namespace {

constexpr float nobody_looked = std::numeric_limits<float>::quiet_NaN();
static_assert(History::points * History::most_series * sizeof(float) <= 12 << 10);

double number_of(std::uint64_t n) { return static_cast<double>(n); }
double ended_as(const pipeline::NodeSnapshot& node, Fate fate) {
  return number_of(node.consumed[static_cast<std::size_t>(fate)]);
}
double dropped_of(const pipeline::SinkStatus& sink) {
  return ended_as(sink.node, Fate::dropped) +
         number_of(std::accumulate(sink.edge.dropped.begin(), sink.edge.dropped.end(), std::uint64_t{0}));
}
double in_ms(bool known, Duration d) { return known ? seconds(d) * 1e3 : std::numeric_limits<double>::quiet_NaN(); }

std::string number_or_null(float value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : "null"; }

}  // namespace

void History::look(const pipeline::FlowStatus& flow, const gateway::Status& requests, TimePoint now) {
  if (!due(now)) return;
  std::lock_guard lock(mutex_);
  begin_point(now);
  look_at(flow);
  look_at(requests);
  std::erase_if(parts_, [this](const auto& p) { return p.second.seen != looks_; });
}

/// Steps that were missed stay empty; an hour of them is all there is.
void History::begin_point(TimePoint now) {
  const bool first = looks_ == 0;
  const auto steps = first ? 1 : std::min<std::size_t>(points, 1 + static_cast<std::size_t>((now - next_) / step));
  passed_ = first ? 0 : seconds(now - last_);
  for (std::size_t i = 0; i < steps; ++i) {
    at_ = (at_ + 1) % points;
    for (auto& [key, part] : parts_)
      std::fill_n(part.values.begin() + static_cast<std::ptrdiff_t>(at_ * part.figures), part.figures, nobody_looked);
  }
  ++looks_;
  last_ = now;
  next_ = now + step;
}

void History::note(const std::string& key, std::span<const Figure> figures) {
  auto place = parts_.find(key);
  if (place == parts_.end()) {
    if (parts_.size() >= config::most_with_history) {
      if (looks_ == 1)
        log::warn("the dashboard keeps the last hour of {} parts: not of {}", config::most_with_history, key);
      return;
    }
    place = parts_.emplace(key, Part{}).first;
    place->second.figures = figures.size();
    place->second.values.assign(points * figures.size(), nobody_looked);
  }
  Part& part = place->second;
  part.seen = looks_;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const Figure& f = figures[i];
    part.names[i] = f.name;
    part.units[i] = f.unit;
    double value = f.value;
    if (f.counts) {
      // What counts less than before has begun anew: what it counted in between nobody knows.
      const bool grew = part.known && passed_ > 0 && f.value >= part.last[i];
      value = grew ? (f.value - part.last[i]) / passed_ : nobody_looked;
      part.last[i] = f.value;
    }
    part.values[at_ * part.figures + i] = static_cast<float>(value);
  }
  part.known = true;
}

void History::look_at(const pipeline::FlowStatus& flow) {
  const double budget = number_of(flow.budget.count());
  note("flow/",
       std::array{Figure{"memory", "%", budget > 0 ? number_of(flow.budget_used.count()) / budget * 100 : 0, false},
                  Figure{"in transit", "events", static_cast<double>(flow.ledger().in_transit), false}});
  for (const auto& s : flow.sources) {
    double lag = 0;
    Duration age{0};
    for (const auto& l : s.upstream.lags) lag += number_of(l.events), age = std::max(age, l.age);
    note("source/" + s.name, std::array{Figure{"in", "events/s", number_of(s.node.in), true},
                                        Figure{"admitted", "requests/s", number_of(s.admitted), true},
                                        Figure{"refused", "requests/s", number_of(s.refused), true},
                                        Figure{"pending", "events", static_cast<double>(s.node.pending), false},
                                        Figure{"lag", "events", lag, false}, Figure{"lag", "s", seconds(age), false}});
  }
  for (const auto& s : flow.stages)
    note("stage/" + s.name, std::array{Figure{"in", "events/s", number_of(s.node.in), true},
                                       Figure{"out", "events/s", number_of(s.node.emitted), true},
                                       Figure{"pending", "events", static_cast<double>(s.node.pending), false}});
  for (const auto& s : flow.sinks)
    note("sink/" + s.name, std::array{Figure{"waiting", "events", number_of(s.pressure.waiting.events), false},
                                      Figure{"in", "events/s", number_of(s.node.in), true},
                                      Figure{"stored", "events/s", ended_as(s.node, Fate{}), true},
                                      Figure{"dropped", "events/s", dropped_of(s), true},
                                      Figure{"failures", "attempts/s", number_of(s.destination.failures), true},
                                      Figure{"oldest", "s", seconds(s.pressure.oldest_age), false},
                                      Figure{"p50", "ms", in_ms(s.sojourn.batches > 0, s.sojourn.now.p50), false},
                                      Figure{"p99", "ms", in_ms(s.sojourn.batches > 0, s.sojourn.now.p99), false}});
}

void History::look_at(const gateway::Status& requests) {
  for (const auto& g : requests.gateways) {
    const auto sum = [](const auto& counts) {
      return number_of(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
    };
    note("gateway/" + g.name, std::array{Figure{"in", "requests/s", number_of(g.requests.in), true},
                                         Figure{"answered", "requests/s", sum(g.requests.answered), true},
                                         Figure{"errors", "requests/s", number_of(g.requests.answered[5]), true},
                                         Figure{"refused", "requests/s", sum(g.requests.refused), true},
                                         Figure{"in flight", "requests", number_of(g.in_flight), false}});
  }
  for (const auto& u : requests.upstreams)
    note("upstream/" + u.name, std::array{Figure{"in flight", "requests", number_of(u.limit.in_flight), false},
                                          Figure{"limit", "requests", number_of(u.limit.limit.limit), false},
                                          Figure{"waiting", "requests", number_of(u.room.waiting), false},
                                          Figure{"retries", "requests/s", number_of(u.destination.retries), true}});
}

std::string History::json(std::string_view key, TimePoint now) const {
  std::lock_guard lock(mutex_);
  const auto place = parts_.find(key);
  if (place == parts_.end()) return {};
  const Part& part = place->second;
  std::string series;
  for (std::size_t i = 0; i < part.figures; ++i) {
    std::string values;
    for (std::size_t p = 1; p <= points; ++p)
      values += (p > 1 ? "," : "") + number_or_null(part.values[(at_ + p) % points * part.figures + i]);
    series += fmt::format(R"({}{{"name":{},"unit":{},"points":[{}]}})", i ? "," : "", json_text(part.names[i]),
                          json_text(part.units[i]), values);
  }
  return fmt::format("{{\"step_s\":{:.0f},\"ago_s\":{:.1f},\"series\":[{}]}}\n", seconds(step), seconds(now - last_),
                     series);
}

std::size_t History::parts() const {
  std::lock_guard lock(mutex_);
  return parts_.size();
}

}  // namespace weir::observe
