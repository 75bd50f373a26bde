#include "schema_gateways.h"

#include <string>

#include "schema_text.h"

namespace weir::app {
namespace {

constexpr auto upstream_schema =
    R"({"description":"What requests are passed on to: endpoints that do the same work.","type":"object","properties":{
"endpoints":{"description":"Where they listen, as HOST:PORT.","anyOf":[{"$ref":"#/$defs/address"},{"type":"array","minItems":1,"maxItems":64,"uniqueItems":true,"items":{"$ref":"#/$defs/address"}}]},
"concurrency":{"description":"Requests in flight: a number, or adaptive: what it can take is found out.","default":"adaptive","anyOf":[{"const":"adaptive"},{"$ref":"#/$defs/count"},{"$ref":"#/$defs/variable"}]},
"max_connections":{"description":"Requests in flight at most, whatever is found out.","default":256,"anyOf":[{"$ref":"#/$defs/count"}]},
"connect_timeout":{"description":"For a new connection.","default":"1s","anyOf":[{"$ref":"#/$defs/duration"}]},
"queue":{"description":"Where requests wait for a place.","type":"object","properties":{
"max_wait":{"description":"So long at most; 0s: nobody waits.","default":"100ms","anyOf":[{"$ref":"#/$defs/duration"}]},
"max_requests":{"description":"So many at most.","default":1024,"anyOf":[{"$ref":"#/$defs/count"}]}},"additionalProperties":false},
"retry":{"description":"What is sent once more, where that is safe.","type":"object","properties":{
"attempts":{"description":"Attempts of one request, the first one included.","default":1,"anyOf":[{"$ref":"#/$defs/count"}]},
"budget":{"description":"Retries may be at most this share of first attempts.","default":"20%","anyOf":[{"$ref":"#/$defs/ratio"}]}},"additionalProperties":false},
"breaker":{"$ref":"#/$defs/breaker"}},
"required":["endpoints"],"additionalProperties":false})";

constexpr auto gateway_schema = R"({"description":"A listener that passes requests on.","type":"object","properties":{
"listen":{"description":"Where to listen, as HOST:PORT.","anyOf":[{"$ref":"#/$defs/address_or_file"}]},
"max_connections":{"description":"Connections of clients.","default":512,"anyOf":[{"$ref":"#/$defs/count"}]},
"half_close":{"description":"A client that has closed its sending half after its request has left, or is served.","default":"left","enum":["left","serve"]},
"routes":{"description":"The first that matches is taken.","type":"array","minItems":1,"maxItems":1024,"items":{"$ref":"#/$defs/route"}}},
"required":["listen","routes"],"additionalProperties":false})";

constexpr auto route_schema = R"({"description":"Which requests go where.","type":"object","properties":{
"match":{"description":"All of it has to match.","type":"object","properties":{
"path":{"description":"/orders for one path, /orders/** for it and all below it.","anyOf":[{"$ref":"#/$defs/text"}]},
"host":{"description":"The host that is asked for, without a port.","anyOf":[{"$ref":"#/$defs/text"}]},
"methods":{"description":"One or several; left out: all.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]}},
"required":["path"],"additionalProperties":false},
"to":{"description":"The upstream.","anyOf":[{"$ref":"#/$defs/part"}]},
"deadline":{"description":"For the head of the answer, from the end of the request on.","default":"30s","anyOf":[{"$ref":"#/$defs/duration"}]},
"priority":{"description":"Who waits and who is refused first.","type":"object","properties":{
"from":{"description":"The field that says it, as header:X-Priority.","anyOf":[{"$ref":"#/$defs/text"}]},
"default":{"description":"Where it says nothing.","default":"normal","enum":["batch","low","normal","high","critical"]}},"additionalProperties":false},
"guards":{"$ref":"#/$defs/guards"}},
"required":["match","to"],"additionalProperties":false})";

std::string by_name(const char* help, const char* definition) {
  return std::string(R"({"description":")") + help +
         R"(","type":["object","null"],"maxProperties":64,"additionalProperties":false,"patternProperties":{"^[a-z][a-z0-9_]{0,63}$":{"$ref":"#/$defs/)" +
         definition + "\"}}}";
}

}  // namespace

void add_gateways_schema(JsonObject& top, JsonObject& definitions) {
  top.add("gateways", by_name("Listeners that pass requests on.", "gateway"));
  top.add("upstreams", by_name("What requests are passed on to.", "upstream"));
  definitions.add("gateway", in_one_line(gateway_schema)).add("upstream", in_one_line(upstream_schema));
  definitions.add("route", in_one_line(route_schema));
}

}  // namespace weir::app
