#include "schema_alerts.h"

#include <fmt/format.h>

#include "config/alerts.h"
#include "config/units_parse.h"
#include "schema_text.h"

namespace weir::app {
namespace {

std::string above_property(config::AlertRule rule, double usual) {
  constexpr std::string_view form =
      R"("above":{{"description":"{}","default":"{}","anyOf":[{{"$ref":"#/$defs/{}"}}]}},)";
  const auto with = [&](const char* help, const char* kind) {
    return fmt::format(form, help, config::to_text_above(rule, usual), kind);
  };
  switch (config::alert_units[static_cast<std::size_t>(rule)]) {
    case config::AlertUnit::none: return "";
    case config::AlertUnit::times: return with("More than so many times the usual.", "count");
    case config::AlertUnit::share: return with("More than this share.", "ratio");
    case config::AlertUnit::time: return with("Longer than this.", "duration");
    case config::AlertUnit::events: return with("So many events.", "count");
  }
  return "";
}

std::string rule_schema(config::AlertRule rule) {
  const auto i = static_cast<std::size_t>(rule);
  const config::AlertSetting& usual = config::usual_alerts[i];
  return fmt::format(
      R"("{}":{{"description":"docs/alerts.md","anyOf":[{{"enum":["off",false,"false"]}},{{"type":"object","properties":{{{}"for":{{"description":"So long it must have been the case.","default":"{}","anyOf":[{{"$ref":"#/$defs/duration"}}]}},"severity":{{"description":"info: worth knowing and no fault.","default":"{}","enum":["warning","info"]}}}},"additionalProperties":false}}]}})",
      config::alert_names[i], above_property(rule, usual.above), config::to_text(usual.hold),
      usual.warns ? "warning" : "info");
}

constexpr auto other_keys =
    R"("repeat":{"description":"What still fires is told again; 0s: never.","default":"1m","anyOf":[{"$ref":"#/$defs/duration"}]},
"receivers":{"description":"Sinks that are told of alerts and of nothing else.","type":["object","null"],"maxProperties":8,"additionalProperties":false,"patternProperties":{"^[a-z][a-z0-9_]{0,63}$":{"$ref":"#/$defs/receiver"}}}},
"additionalProperties":false})";

}  // namespace

void add_alerts_schema(JsonObject& top, JsonObject& definitions) {
  std::string rules;
  for (std::size_t i = 0; i < config::alert_rule_count; ++i)
    rules += (i ? "," : "") + rule_schema(static_cast<config::AlertRule>(i));
  definitions.add("alerts",
                  R"({"description":"Which alerts there are, and who is told.","type":["object","null"],"properties":{)"
                  R"("rules":{"description":"What differs from the usual.","type":["object","null"],"properties":{)" +
                      rules + R"(},"additionalProperties":false},)" + in_one_line(other_keys));
  top.add("alerts", R"({"$ref":"#/$defs/alerts"})");
}

}  // namespace weir::app
