#pragma once
/// The conditions of which operators are told without having configured anything, with their thresholds. docs/alerts.md
/// is made of this table.
///
/// Thread: constants. Ref: the alerts of the articles (depth, lag, errors, saturation, latency, memory).
#include <weir/base/units.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::observe {

enum class AlertRule : std::uint8_t {
  queue_full_soon,
  queue_depth,
  errors,
  utilisation,
  latency,
  lag,
  lag_growth,
  memory,
  pool,
  breaker_open,
  ledger,
};
inline constexpr std::size_t alert_rule_count = static_cast<std::size_t>(AlertRule::ledger) + 1;

struct AlertRuleInfo {
  AlertRule rule;
  std::string_view name;
  bool warns;     ///< false: worth knowing, and for the log no warning
  Duration hold;  ///< so long it must have been the case; it is over when it was not for alert_clear
  std::string_view of;
  std::string_view when;
  std::string_view advice;
  std::string_view query;  ///< the same for Prometheus, of metrics that are scraped every 15 s or more often
};

inline constexpr Duration alert_clear = std::chrono::seconds(5);
std::span<const AlertRuleInfo, alert_rule_count> alert_rules();
/// A file of rules for Prometheus.
std::string prometheus_rules();
inline const AlertRuleInfo& info(AlertRule rule) { return alert_rules()[static_cast<std::size_t>(rule)]; }

/// The numbers of `when`.
struct AlertThresholds {
  static constexpr double depth = 5;         ///< times the usual depth
  static constexpr double depth_fill = 0.1;  ///< and at least so much of the bound
  static constexpr double errors = 0.05;
  static constexpr std::uint64_t least_errors = 3;
  static constexpr double busy = 0.8, memory = 0.8, pool = 0.8;
  static constexpr Duration lag = std::chrono::minutes(5);
  static constexpr Duration lately = std::chrono::seconds(5);      ///< for errors and utilisation
  static constexpr Duration lag_trend = std::chrono::seconds(30);  ///< lag_growth: grew in each third of it
  static constexpr std::uint64_t least_lag_growth = 1000;          ///< events in that time
};

}  // namespace weir::observe
