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
"budget":{"description":"Retries and hedges may be at most this share of first attempts.","default":"20%","anyOf":[{"$ref":"#/$defs/ratio"}]},
"hedge_after":{"description":"An idempotent request without a body is sent to a second endpoint when it has no answer after this time, or after the 95th percentile of its route's answers.","anyOf":[{"const":"p95"},{"$ref":"#/$defs/duration"}]}},"additionalProperties":false},
"tls":{"description":"Speak TLS to the endpoints, and check their certificates.","default":false,"anyOf":[{"$ref":"#/$defs/boolean"}]},
"tls_ca":{"description":"PEM file of the certificates to trust; the system's without it.","anyOf":[{"$ref":"#/$defs/path"}]},
"tls_certificate":{"description":"PEM file of a certificate to show.","anyOf":[{"$ref":"#/$defs/path"}]},
"tls_key":{"description":"PEM file with its private key, without a password.","anyOf":[{"$ref":"#/$defs/path"}]},
"tls_server_name":{"description":"The name their certificates must be for; the host of each endpoint without it.","anyOf":[{"$ref":"#/$defs/text"}]},
"health":{"description":"What is asked of each endpoint now and then, apart from all limits.","type":"object","properties":{
"path":{"description":"Asked with GET; 2xx is well.","anyOf":[{"$ref":"#/$defs/text"}]},
"every":{"description":"So often.","default":"5s","anyOf":[{"$ref":"#/$defs/duration"}]},
"timeout":{"description":"For the answer.","default":"1s","anyOf":[{"$ref":"#/$defs/duration"}]},
"unhealthy":{"description":"After so many bad answers in a row it gets no requests.","default":3,"anyOf":[{"$ref":"#/$defs/count"}]},
"healthy":{"description":"After so many good ones it gets them again.","default":1,"anyOf":[{"$ref":"#/$defs/count"}]}},"required":["path"],"additionalProperties":false},
"breaker":{"$ref":"#/$defs/breaker"}},
"required":["endpoints"],"additionalProperties":false})";

constexpr auto gateway_schema = R"({"description":"A listener that passes requests on.","type":"object","properties":{
"listen":{"description":"Where to listen, as HOST:PORT.","anyOf":[{"$ref":"#/$defs/address_or_file"}]},
"max_connections":{"description":"Connections of clients.","default":512,"anyOf":[{"$ref":"#/$defs/count"}]},
"half_close":{"description":"A client that has closed its sending half after its request has left, or is served.","default":"left","enum":["left","serve"]},
"tls_certificate":{"description":"PEM file with the certificate, and its chain behind it; speak TLS.","anyOf":[{"$ref":"#/$defs/path"}]},
"tls_key":{"description":"PEM file with its private key, without a password.","anyOf":[{"$ref":"#/$defs/path"}]},
"tls_client_ca":{"description":"PEM file: clients show a certificate that one of these has signed.","anyOf":[{"$ref":"#/$defs/path"}]},
"tls_client_names":{"description":"With one of these names.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]},
"trusted_peers":{"description":"Networks whose X-Forwarded-* fields are believed, as 10.0.0.0/8.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]},
"forwarded":{"description":"Which fields tell an upstream who has asked.","default":"x_forwarded","enum":["x_forwarded","standard","both","none"]},
"access_log":{"description":"A line of JSON for each request.","type":"object","properties":{
"path":{"description":"The file; it is opened anew at SIGHUP.","anyOf":[{"$ref":"#/$defs/path"}]},
"sample":{"description":"Which share of the requests is told.","default":"100%","anyOf":[{"$ref":"#/$defs/ratio"}]}},"required":["path"],"additionalProperties":false},
"routes":{"description":"The first that matches is taken.","type":"array","minItems":1,"maxItems":1024,"items":{"$ref":"#/$defs/route"}}},
"required":["listen","routes"],"additionalProperties":false})";

constexpr auto route_schema = R"({"description":"Which requests go where.","type":"object","properties":{
"match":{"description":"All of it has to match.","type":"object","properties":{
"path":{"description":"/orders for one path, /orders/** for it and all below it, /orders/{id} for a part of any text.","anyOf":[{"$ref":"#/$defs/text"}]},
"host":{"description":"The host that is asked for, without a port.","anyOf":[{"$ref":"#/$defs/text"}]},
"headers":{"description":"Fields that have to be there with this value; *: with any.","type":"object","additionalProperties":{"$ref":"#/$defs/text"}},
"methods":{"description":"One or several; left out: all.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]}},
"required":["path"],"additionalProperties":false},
"to":{"description":"The upstream.","anyOf":[{"$ref":"#/$defs/part"}]},
"deadline":{"description":"For the head of the answer, from the end of the request on.","default":"30s","anyOf":[{"$ref":"#/$defs/duration"}]},
"deadline_from":{"description":"A field in which a client may say a shorter one: grpc-timeout, x-envoy-expected-rq-timeout-ms or your own; passed on as what is left.","anyOf":[{"$ref":"#/$defs/text"}]},
"rewrite":{"description":"The path that is sent on; with /** what lies below is kept.","anyOf":[{"$ref":"#/$defs/text"}]},
"host":{"description":"Sent on instead of the client's Host.","anyOf":[{"$ref":"#/$defs/text"}]},
"request":{"$ref":"#/$defs/field_edits"},
"answer":{"$ref":"#/$defs/field_edits"},
"upgrades":{"description":"Protocols that a client may switch to.","type":"object","properties":{
"allow":{"description":"As in websocket.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]},
"max":{"description":"Connections at the same time.","default":100,"anyOf":[{"$ref":"#/$defs/count"}]},
"idle":{"description":"After so long without a byte they are closed.","default":"5m","anyOf":[{"$ref":"#/$defs/duration"}]}},"required":["allow"],"additionalProperties":false},
"degraded":{"description":"What GET and HEAD get instead of a refusal for want of the upstream.","type":"object","properties":{
"status":{"description":"200 to 599.","default":200,"anyOf":[{"$ref":"#/$defs/count"}]},
"content_type":{"description":"Of the body.","default":"application/json","anyOf":[{"$ref":"#/$defs/text"}]},
"body":{"description":"At most 64 KiB.","anyOf":[{"$ref":"#/$defs/text"}]}},"additionalProperties":false},
"cache":{"description":"Keeps answers to GET (RFC 9111).","type":["object","null"],"properties":{
"max_bytes":{"description":"Of all answers that are kept.","default":"64MiB","anyOf":[{"$ref":"#/$defs/size"}]},
"max_body":{"description":"A larger answer is not kept; 1MiB, or a quarter of max_bytes.","anyOf":[{"$ref":"#/$defs/size"}]},
"stale_if_error":{"description":"An answer this much too old stands in for an error.","default":"0s","anyOf":[{"$ref":"#/$defs/duration"}]},
"stale_while_open":{"description":"This much while the breaker is open.","default":"0s","anyOf":[{"$ref":"#/$defs/duration"}]},
"max_waiting":{"description":"Requests that wait for the same answer.","default":64,"anyOf":[{"$ref":"#/$defs/count"}]}},"additionalProperties":false},
"priority":{"description":"Who waits and who is refused first.","type":"object","properties":{
"from":{"description":"The field that says it, as header:X-Priority.","anyOf":[{"$ref":"#/$defs/text"}]},
"default":{"description":"Where it says nothing.","default":"normal","enum":["batch","low","normal","high","critical"]}},"additionalProperties":false},
"client_key":{"description":"What tells clients apart that come back when they were told: connection, header:NAME, peer, peer/24, path or tls_subject.","default":"connection","anyOf":[{"$ref":"#/$defs/text"}]},
"guards":{"$ref":"#/$defs/guards"}},
"required":["match","to"],"additionalProperties":false})";

constexpr auto edits_schema = R"({"description":"Header fields that are changed.","type":"object","properties":{
"set":{"description":"In place of all of that name.","type":"object","additionalProperties":{"$ref":"#/$defs/text"}},
"add":{"description":"Besides what is there.","type":"object","additionalProperties":{"$ref":"#/$defs/text"}},
"remove":{"description":"Names.","anyOf":[{"$ref":"#/$defs/text"},{"type":"array","items":{"$ref":"#/$defs/text"}}]}},"additionalProperties":false})";

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
  definitions.add("route", in_one_line(route_schema)).add("field_edits", in_one_line(edits_schema));
}

}  // namespace weir::app
