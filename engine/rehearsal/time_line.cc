#include "rehearsal/time_line.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace weir::pipeline {
namespace {

constexpr int slices_of_load = 200;

double breaker_height(flow::BreakerState state) {
  if (state == flow::BreakerState::closed) return 0;
  return state == flow::BreakerState::open ? 1 : 0.5;
}

}  // namespace

TimeLineWriter::TimeLineWriter(Duration length, const std::vector<std::string>& sources,
                               const std::vector<std::string>& sinks)
    : sources_(sources.size()) {
  line_.slice = std::max<Duration>(length / slices_of_load, std::chrono::microseconds(1));
  for (const auto& name : sources) line_.sources.push_back({.name = name});
  for (const auto& name : sinks) line_.sinks.push_back({.name = name});
}

void TimeLineWriter::stored(std::size_t source, Duration took) {
  ++sources_[source].stored;
  sources_[source].times.record(took);
}

void TimeLineWriter::lost(std::size_t source, const std::string& how) {
  ++sources_[source].lost;
  ++losses_[how];
}

void TimeLineWriter::close(TimeLine::Source& line, Source& source, double inside) const {
  const double per_second = 1 / seconds(line_.slice);
  line.arrived.push_back(static_cast<double>(source.arrived) * per_second);
  line.stored.push_back(static_cast<double>(source.stored) * per_second);
  line.lost.push_back(static_cast<double>(source.lost) * per_second);
  line.inside.push_back(inside);
  const auto time = [&](double q) {
    return source.times.count() == 0 ? std::numeric_limits<double>::quiet_NaN() : seconds(source.times.quantile(q));
  };
  line.p50.push_back(time(0.5));
  line.p99.push_back(time(0.99));
  source.arrived = source.stored = source.lost = 0;
  if (source.times.count() > 0) source.times.clear();
}

void TimeLineWriter::find_worst(const FlowStatus& status, const std::vector<double>& inside) {
  const double all = std::accumulate(inside.begin(), inside.end(), 0.0);
  if (!(all > line_.worst.inside)) return;
  line_.worst.inside = all;
  line_.worst.at = line_.slice * static_cast<int>(line_.slices());
  line_.worst.why.clear();
  for (const auto& source : status.sources)
    if (line_.worst.why.empty()) line_.worst.why = source.why;
  if (!line_.worst.why.empty()) return;
  std::uint64_t most = 0;
  for (const auto& sink : status.sinks)
    if (sink.edge.pending.events > most) {
      most = sink.edge.pending.events;
      line_.worst.why = "sink " + sink.name + ": " + sink.why;
    }
}

void TimeLineWriter::close(const FlowStatus& status, const std::vector<double>& inside) {
  const std::size_t before = line_.slices();
  for (auto& [how, values] : line_.losses) values.push_back(0);
  for (const auto& [how, n] : losses_) {
    auto& values = line_.losses[how];
    values.resize(before + 1);
    values.back() = static_cast<double>(n) / seconds(line_.slice);
  }
  losses_.clear();
  for (std::size_t i = 0; i < sources_.size(); ++i) close(line_.sources[i], sources_[i], inside[i]);
  for (auto& line : line_.sinks) {
    const auto sink = std::ranges::find(status.sinks, line.name, &SinkStatus::name);
    line.waiting.push_back(static_cast<double>(sink->edge.pending.events));
    line.breaker.push_back(breaker_height(sink->destination.breaker));
  }
  find_worst(status, inside);
}

}  // namespace weir::pipeline
