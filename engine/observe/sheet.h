#pragma once
/// The page that Prometheus reads, while it is written: metrics by their families, whoever adds them.
///
/// Thread: one owner. Cost: a search over the families for each metric.
#include <prometheus/text_serializer.h>
#include <weir/flow/queue/sojourn.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace weir::observe {

inline double number(std::uint64_t n) { return static_cast<double>(n); }

/// Families in the order in which they were first named.
class Sheet {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  void counter(const std::string& name, const char* help, Labels labels, double value) {
    metric(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value = value;
  }
  void gauge(const std::string& name, const char* help, Labels labels, double value) {
    metric(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  /// All since the start: what several processes counted can be added.
  void histogram(const std::string& name, const char* help, Labels labels, const flow::Sojourn& times) {
    auto& histogram = metric(name, help, prometheus::MetricType::Histogram, std::move(labels)).histogram;
    histogram.sample_count = times.events;
    histogram.sample_sum = times.total;
    std::uint64_t up_to = 0;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      up_to += times.buckets[i];
      const bool last = i == flow::sojourn_bounds.size();
      histogram.bucket.push_back({up_to, last ? std::numeric_limits<double>::infinity() : flow::sojourn_bounds[i]});
    }
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  using ClientMetric = prometheus::ClientMetric;
  using MetricFamily = prometheus::MetricFamily;
  using MetricType = prometheus::MetricType;

  ClientMetric& metric(const std::string& name, const char* help, MetricType type, Labels labels) {
    auto family = std::find_if(families_.begin(), families_.end(), [&](const auto& f) { return f.name == name; });
    if (family == families_.end()) family = families_.insert(family, MetricFamily{name, help, type, {}});
    ClientMetric& m = family->metric.emplace_back();
    for (auto& [key, value] : labels) m.label.push_back({std::move(key), std::move(value)});
    return m;
  }
  std::vector<MetricFamily> families_;
};

}  // namespace weir::observe
