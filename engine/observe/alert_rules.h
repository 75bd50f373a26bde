#pragma once
/// The conditions of which operators are told without having configured anything. docs/alerts.md is made of this table
/// and of the usual settings (config/alerts.h), which a file may change.
///
/// Thread: constants. Ref: the alerts of the articles (depth, lag, errors, saturation, latency, memory).
#include <weir/base/units.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "observe/alert_news.h"

namespace weir::observe {

struct AlertRuleInfo {
  AlertRule rule;
  std::string_view name;
  std::string_view of;
  std::string_view when;
  std::string_view advice;
  std::string_view query;  ///< the same for Prometheus, of metrics that are scraped every 15 s or more often
};

inline constexpr Duration alert_clear = std::chrono::seconds(5);  ///< it is over when it was not the case for so long
std::span<const AlertRuleInfo, alert_rule_count> alert_rules();
/// A file of rules for Prometheus.
std::string prometheus_rules();
inline const AlertRuleInfo& info(AlertRule rule) { return alert_rules()[static_cast<std::size_t>(rule)]; }

/// Those numbers of `when` that are no setting.
struct AlertThresholds {
  static constexpr double depth_fill = 0.1;  ///< of the bound at least
  static constexpr std::uint64_t least_errors = 3;
  static constexpr Duration lately = std::chrono::seconds(5);      ///< for errors and utilisation
  static constexpr Duration lag_trend = std::chrono::seconds(30);  ///< lag_growth: grew in each third of it
};

}  // namespace weir::observe
