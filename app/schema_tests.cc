#include "schema_tests.h"
#include "schema_text.h"

namespace weir::app {
namespace {

constexpr auto test_schema = R"({"description":"What comes in, and what is expected to come out of it.","type":"object",
"properties":{
"name":{"description":"What is to happen.","anyOf":[{"$ref":"#/$defs/text"}]},
"events":{"description":"What comes in, in order.","type":"array","items":{"$ref":"#/$defs/test_step"}},
"expect":{"description":"What is compared; what is not named is not.","type":"object","properties":{
"sinks":{"description":"What each sink is given.","type":"object","additionalProperties":{"anyOf":[{"$ref":"#/$defs/test_events"},{"$ref":"#/$defs/test_sink"}]}},
"fates":{"$ref":"#/$defs/test_fates"},
"only":{"description":"Sinks that are not named stay empty.","default":false,"anyOf":[{"$ref":"#/$defs/boolean"}]}},
"additionalProperties":false},
"finish":{"description":"At the end time passes until nothing waits, and open windows end.","default":true,"anyOf":[{"$ref":"#/$defs/boolean"}]}},
"required":["name","events","expect"],"additionalProperties":false})";

constexpr auto step_schema = R"({"description":"An event, or time that passes.","type":"object","properties":{
"into":{"description":"The source that it comes in at.","anyOf":[{"$ref":"#/$defs/part"}]},
"event":{"description":"A map is a JSON object; a text is taken as it is."},
"priority":{"$ref":"#/$defs/test_priority"},
"advance":{"description":"How far time moves.","anyOf":[{"$ref":"#/$defs/duration"}]}},
"oneOf":[{"required":["into","event"]},{"required":["advance"]}],"additionalProperties":false})";

constexpr auto priority_schema =
    R"({"description":"How important it is.","enum":["batch","low","normal","high","critical"]})";

constexpr auto events_schema =
    R"({"description":"All that comes: a map matches an object that has its members, a text the same bytes.","type":"array"})";

constexpr auto sink_schema = R"({"type":"object","properties":{
"events":{"$ref":"#/$defs/test_events"},
"any_order":{"description":"The events may come in any order.","default":false,"anyOf":[{"$ref":"#/$defs/boolean"}]},
"count":{"description":"How many come; with a priority: of this priority.","anyOf":[{"$ref":"#/$defs/count"}]},
"priority":{"$ref":"#/$defs/test_priority"}},
"anyOf":[{"required":["events"]},{"required":["count"]}],"additionalProperties":false})";

constexpr auto fates_schema =
    R"({"description":"How many events end so on required paths.","type":"object","properties":{
"stored":{"$ref":"#/$defs/count"},"filtered":{"$ref":"#/$defs/count"},"dead_lettered":{"$ref":"#/$defs/count"},
"dropped":{"$ref":"#/$defs/test_reasons"},"failed":{"$ref":"#/$defs/test_reasons"},"pending":{"$ref":"#/$defs/count"}},
"additionalProperties":false})";

constexpr auto reasons_schema =
    R"({"anyOf":[{"$ref":"#/$defs/count"},{"type":"object","additionalProperties":{"$ref":"#/$defs/count"}}]})";

constexpr auto all_schema =
    R"({"description":"Cases that `weir test` runs.","type":["array","null"],"maxItems":1000,"items":{"$ref":"#/$defs/test"}})";

}  // namespace

void add_tests_schema(JsonObject& top, JsonObject& definitions) {
  top.add("tests", in_one_line(all_schema));
  definitions.add("test", in_one_line(test_schema))
      .add("test_step", in_one_line(step_schema))
      .add("test_priority", in_one_line(priority_schema));
  definitions.add("test_events", in_one_line(events_schema)).add("test_sink", in_one_line(sink_schema));
  definitions.add("test_fates", in_one_line(fates_schema)).add("test_reasons", in_one_line(reasons_schema));
}

}  // namespace weir::app
