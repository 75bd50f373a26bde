#pragma once
/// Tells operators once that something crosses its threshold, and once that it is over (alert_rules.h says of what).
///
/// In the log: a line when an alert fires (a warning, or information for what is only worth knowing) and one when it
/// ends. For the API, the metrics and `weir top`: what fires now, and how often each rule has fired.
///
/// Thread: `look` from one; `now_firing` any. Cost: a look a few microseconds a part; 100 bytes an alert that was ever
/// crossed, at most one for each rule and part of the configuration.
#include <weir/base/context.h>
#include <weir/flow/signal/alert.h>

#include <map>
#include <mutex>
#include <tuple>

#include "observe/alert_news.h"
#include "observe/readings.h"

namespace weir::observe {

struct FiringAlert {
  AlertRule rule;
  std::string kind, node;
  Duration lasts{0};
  std::string text;  ///< the facts, as they were at the last look
  bool warns = true;
};

struct ReceiverStatus {
  std::string name;
  std::uint64_t delivered = 0, failed = 0;  ///< deliveries
  std::size_t waiting = 0;                  ///< alerts whose last change it has not been told
  std::string trouble;                      ///< of the last delivery; empty: it went well
};

struct AlertState {
  std::vector<FiringAlert> firing;
  std::array<std::uint64_t, alert_rule_count> fired{};  ///< since start, by rule
  std::vector<ReceiverStatus> receivers{};
};

class Alerts {
 public:
  explicit Alerts(const Context& context, const config::AlertSettings& settings = config::usual_alerts)
      : context_(context), settings_(settings), readings_(settings) {}

  /// What has begun or ended since the last look.
  std::vector<AlertNews> look(const pipeline::FlowStatus& flow, const gateway::Status& requests);
  AlertState state() const;

 private:
  using Key = std::tuple<std::string, std::string, AlertRule>;  // kind, node
  struct Entry {
    flow::Alert alert;
    std::string text;
    TimePoint began{};  ///< while it fires
    WallTime began_wall{};
    bool looked_at = false;
  };
  const config::AlertSetting& setting(AlertRule rule) const { return settings_[static_cast<std::size_t>(rule)]; }
  void judge(const Reading& reading, TimePoint now);
  void tell(const Key& key, Entry& entry, flow::Alert::Change change);

  const Context& context_;
  const config::AlertSettings settings_;
  Readings readings_;
  std::vector<AlertNews> news_;  // of this look
  mutable std::mutex mutex_;     // of the rest
  std::map<Key, Entry> entries_;
  std::array<std::uint64_t, alert_rule_count> fired_{};
};

/// {"firing":[{"rule":"errors","severity":"warning","kind":"sink","node":"db","lasts_s":12.0,"text":...,"advice":...}],
/// "fired":{"errors":1,...}}
std::string alerts_json(const AlertState& state);
/// Its list alone.
std::string firing_json(const AlertState& state);

}  // namespace weir::observe
