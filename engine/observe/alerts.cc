#include "observe/alerts.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <utility>

#include "log/log.h"

namespace weir::observe {

std::vector<AlertNews> Alerts::look(const pipeline::FlowStatus& flow, const gateway::Status& requests) {
  const TimePoint now = context_.now();
  const auto readings = readings_.take(flow, requests, now);
  std::lock_guard lock(mutex_);
  for (auto& [key, entry] : entries_) entry.looked_at = false;
  for (const Reading& reading : readings) judge(reading, now);
  for (auto& [key, entry] : entries_)
    if (!entry.looked_at) tell(key, entry, entry.alert.look(false, now));
  std::erase_if(entries_, [](const auto& e) { return !e.second.looked_at && !e.second.alert.firing(); });
  return std::exchange(news_, {});
}

void Alerts::judge(const Reading& reading, TimePoint now) {
  const Key key{reading.kind, reading.node, reading.rule};
  auto at = entries_.find(key);
  if (at == entries_.end()) {
    if (!reading.crossed) return;
    at = entries_.emplace(key, Entry{.alert{setting(reading.rule).hold, alert_clear}}).first;
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
  const bool warns = setting(rule).warns;
  const log::Origin who{kind, node};
  if (change == flow::Alert::Change::ends) {
    news_.push_back({rule, kind, node, entry.text, false, warns, entry.began_wall, context_.wall()});
    log::info(who, "alert {} is over after {}", what.name, pipeline::human(entry.alert.since() - entry.began));
    return;
  }
  entry.began = entry.alert.since();
  entry.began_wall = context_.wall() - (context_.now() - entry.began);
  news_.push_back({rule, kind, node, entry.text, true, warns, entry.began_wall, {}});
  ++fired_[static_cast<std::size_t>(rule)];
  if (warns)
    log::warn(who, "alert {}: {}; {}", what.name, entry.text, what.advice);
  else
    log::info(who, "alert {}: {}; {}", what.name, entry.text, what.advice);
}

AlertState Alerts::state() const {
  const TimePoint now = context_.now();
  std::lock_guard lock(mutex_);
  AlertState state{{}, fired_, {}};
  for (const auto& [key, entry] : entries_)
    if (entry.alert.firing())
      state.firing.push_back({std::get<2>(key), std::get<0>(key), std::get<1>(key), now - entry.alert.since(),
                              entry.text, setting(std::get<2>(key)).warns});
  return state;
}

std::string firing_json(const AlertState& state) {
  std::string firing;
  for (const FiringAlert& alert : state.firing)
    firing += fmt::format(
        R"({}{{"rule":"{}","severity":"{}","kind":{},"node":{},"lasts_s":{:.1f},"text":{},"advice":{}}})",
        firing.empty() ? "" : ",", info(alert.rule).name, alert.warns ? "warning" : "info", json_text(alert.kind),
        json_text(alert.node), seconds(alert.lasts), json_text(alert.text), json_text(info(alert.rule).advice));
  return "[" + firing + "]";
}

std::string alerts_json(const AlertState& state) {
  std::string fired;
  for (const AlertRuleInfo& rule : alert_rules())
    fired += fmt::format(R"({}"{}":{})", fired.empty() ? "" : ",", rule.name,
                         state.fired[static_cast<std::size_t>(rule.rule)]);
  std::string receivers;
  for (const ReceiverStatus& r : state.receivers)
    receivers += fmt::format(R"({}{{"name":{},"delivered":{},"failed":{},"waiting":{},"trouble":{}}})",
                             receivers.empty() ? "" : ",", json_text(r.name), r.delivered, r.failed, r.waiting,
                             json_text(r.trouble));
  return fmt::format("{{\"firing\":{},\"fired\":{{{}}},\"receivers\":[{}]}}\n", firing_json(state), fired, receivers);
}

}  // namespace weir::observe
