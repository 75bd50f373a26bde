#include "schema_scenarios.h"

#include "schema_text.h"

namespace weir::app {
namespace {

constexpr auto all_scenarios =
    R"({"description":"What `weir simulate` plays, by name.","type":["object","null"],"maxProperties":100,"additionalProperties":{"$ref":"#/$defs/scenario"}})";

constexpr auto scenario_schema = R"({"description":"A load, and what happens to it.","type":"object","properties":{
"for":{"description":"How long events arrive.","default":"60s","anyOf":[{"$ref":"#/$defs/duration"}]},
"seed":{"description":"Of chance: the same one gives the same run.","default":1,"anyOf":[{"$ref":"#/$defs/count"}]},
"loads":{"description":"What arrives at each source.","type":"object","additionalProperties":{"$ref":"#/$defs/scenario_load"}},
"services":{"description":"How long a delivery to each sink takes; without one it takes no time.","type":"object","additionalProperties":{"$ref":"#/$defs/scenario_service"}},
"faults":{"description":"What goes wrong, and when.","type":"array","maxItems":64,"items":{"$ref":"#/$defs/scenario_fault"}}},
"required":["loads"],"additionalProperties":false})";

constexpr auto load_schema = R"({"type":"object","properties":{
"rate":{"description":"So many events a second, all the time.","anyOf":[{"$ref":"#/$defs/rate"}]},
"profile":{"description":"second:rate from then on: 0:640,8:880; 0:100..900 is a ramp.","anyOf":[{"$ref":"#/$defs/text"}]},
"burst":{"description":"Another rate for a while.","type":"object","properties":{
"at":{"$ref":"#/$defs/duration"},"for":{"$ref":"#/$defs/duration"},"rate":{"$ref":"#/$defs/rate"}},
"required":["at","for","rate"],"additionalProperties":false},
"arrivals":{"description":"At random, or equally far apart.","default":"poisson","enum":["poisson","constant"]},
"event":{"description":"Each of them: a map is a JSON object; a text is taken as it is.","default":"{}"}},
"oneOf":[{"required":["rate"]},{"required":["profile"]}],"additionalProperties":false})";

constexpr auto service_schema = R"({"type":"object","properties":{
"time":{"description":"Of a delivery: fixed:10ms, exponential:10ms, lognormal:10ms,0.5 or bimodal:5ms,200ms,2%.","anyOf":[{"$ref":"#/$defs/text"}]},
"per_event":{"description":"And for each event in it.","anyOf":[{"$ref":"#/$defs/duration"}]},
"rate":{"description":"So many events a second: per_event = 1 / rate.","anyOf":[{"$ref":"#/$defs/rate"}]},
"knee":{"description":"So many deliveries at once are as fast as one; more share its speed.","anyOf":[{"$ref":"#/$defs/count"}]}},
"anyOf":[{"required":["time"]},{"required":["per_event"]},{"required":["rate"]}],"additionalProperties":false})";

constexpr auto fault_schema = R"({"type":"object","properties":{
"sink":{"$ref":"#/$defs/part"},"at":{"$ref":"#/$defs/duration"},"for":{"$ref":"#/$defs/duration"},
"stall":{"description":"Nothing is answered.","anyOf":[{"$ref":"#/$defs/boolean"}]},
"slow":{"description":"Deliveries take so many times as long.","anyOf":[{"type":"number","exclusiveMinimum":1,"maximum":1000},{"$ref":"#/$defs/text"}]},
"capacity":{"description":"What is left of its speed.","anyOf":[{"$ref":"#/$defs/ratio"}]},
"errors":{"description":"The share of deliveries that fails, when their time is over.","anyOf":[{"$ref":"#/$defs/ratio"}]},
"refuse":{"description":"All deliveries fail at once.","anyOf":[{"$ref":"#/$defs/boolean"}]}},
"required":["sink","at","for"],
"oneOf":[{"required":["stall"]},{"required":["slow"]},{"required":["capacity"]},{"required":["errors"]},{"required":["refuse"]}],
"additionalProperties":false})";

}  // namespace

void add_scenarios_schema(JsonObject& top, JsonObject& definitions) {
  top.add("scenarios", in_one_line(all_scenarios));
  definitions.add("scenario", in_one_line(scenario_schema)).add("scenario_load", in_one_line(load_schema));
  definitions.add("scenario_service", in_one_line(service_schema)).add("scenario_fault", in_one_line(fault_schema));
}

}  // namespace weir::app
