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
"finish":{"description":"At the end time passes until nothing waits, and open windows end.","default":true,"anyOf":[{"$ref":"#/$defs/boolean"}]},
"requests":{"description":"Of a case about gateways, instead of events: what is asked, in order.","type":"array","minItems":1,"maxItems":1000,"items":{"$ref":"#/$defs/test_request"}}},
"oneOf":[{"required":["name","events","expect"]},{"required":["name","requests"]}],"additionalProperties":false})";

constexpr auto request_schema =
    R"({"description":"A request, what its upstream does, and what is expected; or time that passes.","type":"object","properties":{
"advance":{"description":"How far time moves.","anyOf":[{"$ref":"#/$defs/duration"}]},
"request":{"description":"What a client sends.","type":"object","properties":{
"method":{"description":"As in POST.","default":"GET","anyOf":[{"$ref":"#/$defs/text"}]},
"path":{"description":"With its query.","anyOf":[{"$ref":"#/$defs/text"}]},
"headers":{"$ref":"#/$defs/test_fields"},
"body":{"description":"A map is a JSON object; a text is taken as it is."},
"gateway":{"description":"Where there are several.","anyOf":[{"$ref":"#/$defs/part"}]}},"required":["path"],"additionalProperties":false},
"upstream":{"$ref":"#/$defs/test_script"},
"endpoints":{"description":"What single endpoints do instead, by HOST:PORT.","type":"object","additionalProperties":{"$ref":"#/$defs/test_script"}},
"expect":{"description":"What is compared; what is not named is not.","type":"object","minProperties":1,"properties":{
"status":{"description":"What the client reads.","anyOf":[{"$ref":"#/$defs/count"}]},
"headers":{"$ref":"#/$defs/test_fields"},
"without":{"$ref":"#/$defs/test_names"},
"body":{"description":"A map matches an object that has its members, a text the same bytes."},
"route":{"description":"The path of the route that was taken.","anyOf":[{"$ref":"#/$defs/text"}]},
"endpoint":{"description":"Which one has answered, or was asked last.","anyOf":[{"$ref":"#/$defs/text"}]},
"reason":{"description":"Why it was refused.","anyOf":[{"$ref":"#/$defs/text"}]},
"cached":{"description":"Whether the answer came from the cache.","anyOf":[{"$ref":"#/$defs/boolean"}]},
"attempts":{"description":"How often it was sent to the upstream.","anyOf":[{"$ref":"#/$defs/count"}]},
"sent":{"description":"What the upstream read.","type":"object","properties":{
"method":{"anyOf":[{"$ref":"#/$defs/text"}]},"path":{"anyOf":[{"$ref":"#/$defs/text"}]},
"headers":{"$ref":"#/$defs/test_fields"},"without":{"$ref":"#/$defs/test_names"},"body":{}},"additionalProperties":false}},
"additionalProperties":false}},
"oneOf":[{"required":["request","expect"]},{"required":["advance"]}],"additionalProperties":false})";

constexpr auto script_schema =
    R"({"description":"What an endpoint does with the request.","anyOf":[{"enum":["refuse","reset","hang"]},{"type":"object","properties":{
"status":{"default":200,"anyOf":[{"$ref":"#/$defs/count"}]},
"headers":{"$ref":"#/$defs/test_fields"},
"body":{"description":"A map is a JSON object; a text is taken as it is."},
"after":{"description":"In given time.","default":"0s","anyOf":[{"$ref":"#/$defs/duration"}]}},"additionalProperties":false}]})";

constexpr auto fields_schema =
    R"({"description":"Header fields; expected: *: with any value.","type":"object","additionalProperties":{"$ref":"#/$defs/text"}})";

constexpr auto names_schema =
    R"({"description":"Fields that are not there.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]})";

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
  definitions.add("test_request", in_one_line(request_schema)).add("test_script", in_one_line(script_schema));
  definitions.add("test_fields", in_one_line(fields_schema)).add("test_names", in_one_line(names_schema));
  definitions.add("test_fates", in_one_line(fates_schema)).add("test_reasons", in_one_line(reasons_schema));
}

}  // namespace weir::app
