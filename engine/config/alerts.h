#pragma once
/// What the file says of alerts: which conditions an operator is told of, and where to besides the log.
///
///   alerts:
///     rules:
///       lag: { above: 10m, for: 30s, severity: info }
///       utilisation: off
///     repeat: 1m
///     receivers:
///       ops: { type: http, url: 'http://127.0.0.1:9093/api/v2/alerts', format: json_array }
///
/// A receiver is a sink that the flow does not feed: alerts are its events.
///
/// Thread: values. Cost: start only.
#include <weir/base/units.h>
#include <weir/component/options.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

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
inline constexpr std::array<std::string_view, alert_rule_count> alert_names{
    "queue_full_soon", "queue_depth", "errors", "utilisation",  "latency", "lag",
    "lag_growth",      "memory",      "pool",   "breaker_open", "ledger"};

/// What `above` of a rule is; none: its condition has no number that could be another one.
enum class AlertUnit : std::uint8_t { none, times, share, time, events };
inline constexpr std::array<AlertUnit, alert_rule_count> alert_units{
    AlertUnit::none,   AlertUnit::times, AlertUnit::share, AlertUnit::share, AlertUnit::none, AlertUnit::time,
    AlertUnit::events, AlertUnit::share, AlertUnit::share, AlertUnit::none,  AlertUnit::none};

struct AlertSetting {
  bool on = true;
  double above = 0;   ///< in the unit of the rule: a factor, a share of 1, seconds, events
  Duration hold{0};   ///< so long it must have been the case
  bool warns = true;  ///< severity: warning, else info
  bool operator==(const AlertSetting&) const = default;
};
using AlertSettings = std::array<AlertSetting, alert_rule_count>;

/// Without configuration.
inline constexpr AlertSettings usual_alerts = [] {
  using std::chrono::seconds;
  return AlertSettings{{{true, 0, seconds(1), true},
                        {true, 5, seconds(1), false},
                        {true, 0.05, seconds(1), true},
                        {true, 0.8, seconds(1), false},
                        {true, 0, seconds(1), true},
                        {true, 300, seconds(1), true},
                        {true, 1000, seconds(0), true},
                        {true, 0.8, seconds(1), true},
                        {true, 0.8, seconds(1), false},
                        {true, 0, seconds(0), true},
                        {true, 0, seconds(10), true}}};
}();

struct AlertReceiver {
  std::string name, type;
  Options options;
};

struct Alerts {
  AlertSettings rules = usual_alerts;
  Duration repeat = std::chrono::minutes(1);  ///< what still fires is told again; 0: never
  std::vector<AlertReceiver> receivers{};
};

/// As `above` is written: 5, 80%, 5m.
std::string to_text_above(AlertRule rule, double above);

inline constexpr std::size_t most_alert_receivers = 8;
/// What one delivery to a receiver may hold.
inline constexpr std::uint32_t alert_delivery_events = 1024;
inline constexpr Bytes alert_delivery_bytes{1 << 20};

}  // namespace weir::config
