#pragma once
/// That an alert has begun or is over, for who is told of it outside of this process.
///
/// Thread: a value. Ref: the alerts of Alertmanager's API, version 2 (POST /api/v2/alerts).
#include <weir/base/units.h>

#include <string>
#include <string_view>

#include "config/alerts.h"

namespace weir::observe {

using config::alert_rule_count;
using config::AlertRule;

struct AlertNews {
  AlertRule rule;
  std::string kind, node, text;  ///< "sink", "db", the facts when it began
  bool firing = false, warns = true;
  WallTime began{}, ended{};  ///< ended: when it no longer fires
};

/// One object, as Alertmanager takes it in an array; other receivers find the state in `status`.
///
///   {"status":"firing","labels":{"alertname":"weir_errors","severity":"warning","kind":"sink","node":"db",
///   "instance":"host"},"annotations":{"summary":...,"advice":...},"startsAt":...,"endsAt":...}
///
/// `endsAt` of what fires is four times `repeat` from now: whoever hears no more of it takes it for over. It is not
/// there when nothing is repeated.
std::string event_of(const AlertNews& news, std::string_view instance, Duration repeat, WallTime now);

}  // namespace weir::observe
