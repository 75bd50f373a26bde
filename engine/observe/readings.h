#pragma once
/// What the alert rules say of a flow and its gateways at one moment: for each rule and each part it is about, whether
/// its threshold is crossed, and the facts in words.
///
/// Keeps what "usual" and "lately" need: for each sink its usual depth and a few counts of the last seconds, for each
/// thing that can lag the last half minute. As many as the configuration has parts; what is gone is forgotten.
///
/// Thread: one owner. Cost: some microseconds and 2 KiB a part.
#include <weir/flow/signal/baseline.h>

#include <map>
#include <string>
#include <vector>

#include "gateway/status.h"
#include "observe/alert_rules.h"
#include "observe/lately.h"
#include "pipeline/report/status.h"

namespace weir::observe {

struct Reading {
  AlertRule rule;
  std::string kind, node;  ///< "sink", "db"; the flow itself has no name
  bool crossed = false;
  std::string text;  ///< the facts; of what is not crossed it may be empty
};

class Readings {
 public:
  explicit Readings(const config::AlertSettings& settings) : settings_(settings) {}
  std::vector<Reading> take(const pipeline::FlowStatus& flow, const gateway::Status& requests, TimePoint now);

 private:
  struct SinkMemory {
    flow::Baseline depth{1};
    Lately attempts{AlertThresholds::lately}, failures{AlertThresholds::lately}, busy{AlertThresholds::lately};
    TimePoint seen{};
  };
  struct GatewayMemory {
    Lately answers{AlertThresholds::lately}, errors{AlertThresholds::lately};
    TimePoint seen{};
  };
  /// The lag three times: now, and what it was one and two thirds of the time ago.
  struct LagMemory {
    std::array<std::uint64_t, 4> ends{};  ///< the newest last
    std::size_t known = 0;
    TimePoint next{}, seen{};
  };

  void of_sink(const pipeline::SinkStatus& sink, TimePoint now);
  void of_depth(const pipeline::SinkStatus& sink, SinkMemory& memory, TimePoint now);
  void of_deliveries(const pipeline::SinkStatus& sink, SinkMemory& memory, TimePoint now);
  void of_lag(const std::string& kind, const std::string& node, std::uint64_t events, Duration age, TimePoint now);
  void of_gateway(const gateway::GatewayStatus& gateway, TimePoint now);
  void of_upstream(const gateway::UpstreamStatus& upstream);
  void of_flow(const pipeline::FlowStatus& flow, const gateway::Status& requests);
  void add(AlertRule rule, std::string kind, std::string node, bool crossed, std::string text);

  double above(AlertRule rule) const { return settings_[static_cast<std::size_t>(rule)].above; }

  const config::AlertSettings settings_;
  std::vector<Reading> readings_;
  std::map<std::string, SinkMemory> sinks_;
  std::map<std::string, GatewayMemory> gateways_;
  std::map<std::string, LagMemory> lags_;
};

}  // namespace weir::observe
