#include "observe/alerts.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include "log/log.h"

namespace weir::observe {

void Alerts::look(const pipeline::FlowStatus& flow, const gateway::Status& requests) {
  const TimePoint now = context_.now();
  const auto readings = readings_.take(flow, requests, now);
  std::lock_guard lock(mutex_);
  for (auto& [key, entry] : entries_) entry.looked_at = false;
  for (const Reading& reading : readings) judge(reading, now);
  for (auto& [key, entry] : entries_)
    if (!entry.looked_at) tell(key, entry, entry.alert.look(false, now));
  std::erase_if(entries_, [](const auto& e) { return !e.second.looked_at && !e.second.alert.firing(); });
}

void Alerts::judge(const Reading& reading, TimePoint now) {
  const Key key{reading.kind, reading.node, reading.rule};
  auto at = entries_.find(key);
  if (at == entries_.end()) {
    if (!reading.crossed) return;
    at = entries_.emplace(key, Entry{.alert{info(reading.rule).hold, alert_clear}}).first;
  }
  Entry& entry = at->second;
  entry.looked_at = true;
  if (reading.crossed) entry.text = reading.text;
  tell(key, entry, entry.alert.look(reading.crossed, now));
}

void Alerts::tell(const Key& key, Entry& entry, flow::Alert::Change change) {
  if (change == flow::Alert::Change::none) return;
  const auto& [kind, node, rule] = key;
  const AlertRuleInfo& what = info(rule);
  const log::Origin who{kind, node};
  if (change == flow::Alert::Change::ends) {
    log::info(who, "alert {} is over after {}", what.name, pipeline::human(entry.alert.since() - entry.began));
    return;
  }
  entry.began = entry.alert.since();
  ++fired_[static_cast<std::size_t>(rule)];
  if (what.warns)
    log::warn(who, "alert {}: {}; {}", what.name, entry.text, what.advice);
  else
    log::info(who, "alert {}: {}; {}", what.name, entry.text, what.advice);
}

AlertState Alerts::state() const {
  const TimePoint now = context_.now();
  std::lock_guard lock(mutex_);
  AlertState state{{}, fired_};
  for (const auto& [key, entry] : entries_)
    if (entry.alert.firing())
      state.firing.push_back(
          {std::get<2>(key), std::get<0>(key), std::get<1>(key), now - entry.alert.since(), entry.text});
  return state;
}

std::string firing_json(const AlertState& state) {
  std::string firing;
  for (const FiringAlert& alert : state.firing)
    firing +=
        fmt::format(R"({}{{"rule":"{}","severity":"{}","kind":{},"node":{},"lasts_s":{:.1f},"text":{},"advice":{}}})",
                    firing.empty() ? "" : ",", info(alert.rule).name, info(alert.rule).warns ? "warning" : "info",
                    json_text(alert.kind), json_text(alert.node), seconds(alert.lasts), json_text(alert.text),
                    json_text(info(alert.rule).advice));
  return "[" + firing + "]";
}

std::string alerts_json(const AlertState& state) {
  std::string fired;
  for (const AlertRuleInfo& rule : alert_rules())
    fired += fmt::format(R"({}"{}":{})", fired.empty() ? "" : ",", rule.name,
                         state.fired[static_cast<std::size_t>(rule.rule)]);
  return fmt::format("{{\"firing\":{},\"fired\":{{{}}}}}\n", firing_json(state), fired);
}

}  // namespace weir::observe
