#pragma once
/// What a simulation was like over time, in slices: what a plot shows, and the worst moment.
///
/// Bounds: 200 slices while events arrive, 1000 with what comes after, then it is no longer written; some KiB a source
/// and a sink, whatever time is simulated.
///
/// Thread: one owner. Cost: an event some ns; a slice one FlowStatus.
#include <weir/base/histogram.h>

#include <map>
#include <string>
#include <vector>

#include "pipeline/report/status.h"

namespace weir::pipeline {

struct TimeLine {
  struct Source {
    std::string name;
    std::vector<double> arrived, stored, lost;  ///< a second
    std::vector<double> inside;                 ///< at the end of the slice, read or not
    std::vector<double> p50, p99;               ///< seconds, of those stored in it; NaN: none was
  };
  struct Sink {
    std::string name;
    std::vector<double> waiting;  ///< events in its queue, at the end of the slice
    std::vector<double> breaker;  ///< 1: open, 0.5: it tries, 0: closed
  };
  Duration slice{0};
  std::vector<Source> sources;
  std::vector<Sink> sinks;
  std::map<std::string, std::vector<double>> losses;  ///< a second, by how they ended
  struct Worst {
    Duration at{0};
    double inside = 0;
    std::string why;  ///< what held the sources up then, as `weir why` says it
  } worst;
  std::size_t slices() const { return sources.empty() ? 0 : sources.front().arrived.size(); }
};

class TimeLineWriter {
 public:
  TimeLineWriter(Duration length, const std::vector<std::string>& sources, const std::vector<std::string>& sinks);

  void arrived(std::size_t source) { ++sources_[source].arrived; }
  void stored(std::size_t source, Duration took);
  void lost(std::size_t source, const std::string& how);
  Duration slice() const { return line_.slice; }
  bool full() const { return line_.slices() >= 1000; }
  /// At the end of a slice.
  void close(const FlowStatus& status, const std::vector<double>& inside);
  const TimeLine& line() const { return line_; }

 private:
  struct Source {
    std::uint64_t arrived = 0, stored = 0, lost = 0;
    Histogram times{std::chrono::hours(24)};
  };
  void close(TimeLine::Source& line, Source& source, double inside) const;
  void find_worst(const FlowStatus& status, const std::vector<double>& inside);

  TimeLine line_;
  std::vector<Source> sources_;
  std::map<std::string, std::uint64_t> losses_;
};

}  // namespace weir::pipeline
