#include "gateway/fields.h"

#include <gtest/gtest.h>

#include "gateway/deadline_field.h"
#include "gateway/request_id.h"

namespace weir::gateway {
namespace {

net::Head head_of(std::string_view fields) {
  net::Head head;
  head.method = "POST";
  head.target = "/p";
  head.query = "q=1";
  head.host = head.authority = "shop.example:80";
  head.fields = fields;
  return head;
}

std::string passed(std::string_view fields, bool tls = false) {
  return request_head(head_of(fields), {.peer = "10.0.0.9", .tls = tls}, net::BodyFraming::none).value_or("none");
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

TEST(Fields, ARequestIsPassedOnWithWhatTheGatewayKnows) {
  EXPECT_EQ(passed("Host: shop.example:80\r\nAccept: */*\r\nCookie: a=b\r\n"),
            "POST /p?q=1 HTTP/1.1\r\nHost: shop.example:80\r\nAccept: */*\r\nCookie: a=b\r\n"
            "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example:80\r\n"
            "Via: 1.1 weir\r\n\r\n");
}

TEST(Fields, WhatConcernsOneConnectionStays) {
  const auto out = passed(
      "Host: h\r\nConnection: keep-alive, X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\nTrailer: X\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nProxy-Connection: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
      "5\r\n"
      "Expect: 100-continue\r\nX-Kept: 2\r\n");
  for (const char* gone : {"X-Own", "Keep-Alive", "TE:", "Trailer", "Upgrade", "HTTP2", "Proxy-Connection",
                           "Transfer-Encoding", "Content-Length", "Expect", "Connection"})
    EXPECT_FALSE(has(out, gone)) << gone << "\n" << out;
  EXPECT_TRUE(has(out, "X-Kept: 2\r\n"));
}

constexpr std::string_view forged =
    "Host: h\r\nConnection: X-Forwarded-For, Host, Via\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
    "X-Forwarded-Host: evil\r\nForwarded: for=1.2.3.4\r\nVia: 1.0 old\r\n";

TEST(Fields, WhatTheGatewayAddsCannotBeTakenAwayOrForged) {
  const auto out = passed(forged);
  EXPECT_TRUE(has(out, "X-Forwarded-For: 10.0.0.9\r\n")) << out;
  EXPECT_TRUE(has(out, "X-Forwarded-Proto: http\r\n"));
  EXPECT_FALSE(has(out, "evil"));
  EXPECT_FALSE(has(out, "1.2.3.4")) << "anybody can write that\n" << out;
  EXPECT_TRUE(has(out, "Via: 1.0 old, 1.1 weir\r\n"));
  EXPECT_TRUE(has(out, "Host: shop.example:80\r\n"));
}

TEST(Fields, WhatIsSpelledWithUnderscoresIsTheSameField) {
  config::GatewayRoute route;
  route.request_edits.set = {{"X-User", "known"}};
  const auto out = *request_head(head_of("X_Forwarded_For: 1.2.3.4\r\nTransfer_Encoding: chunked\r\nContent_Length: "
                                         "5\r\nX_User: evil\r\nX_Own: 1\r\n"),
                                 {.peer = "10.0.0.9"}, net::BodyFraming::none, {.route = &route});
  for (const char* gone : {"1.2.3.4", "ncoding", "_Length", "evil"})
    EXPECT_FALSE(has(out, gone)) << gone << "\n" << out;
  EXPECT_TRUE(has(out, "X_Own: 1\r\n")) << out;
}

TEST(Fields, APeerThatIsTrustedIsBelieved) {
  const auto out = *request_head(head_of(forged), {.peer = "10.0.0.9", .trusted = true}, net::BodyFraming::none);
  EXPECT_TRUE(has(out, "X-Forwarded-For: 1.2.3.4, 10.0.0.9\r\n")) << out;
  EXPECT_TRUE(has(out, "X-Forwarded-Proto: https\r\n"));
  EXPECT_TRUE(has(out, "X-Forwarded-Host: evil\r\n"));
}

TEST(Fields, ForwardedIsWrittenAsTheStandardSays) {
  const Origin origin{.peer = "2001:db8::7", .tls = true, .style = config::Forwarded::standard};
  const auto out = *request_head(head_of(forged), origin, net::BodyFraming::none);
  EXPECT_TRUE(has(out, "Forwarded: for=\"[2001:db8::7]\";host=\"shop.example:80\";proto=https\r\n")) << out;
  EXPECT_FALSE(has(out, "X-Forwarded")) << out;
  const auto none = *request_head(head_of(forged), {.style = config::Forwarded::none}, net::BodyFraming::none);
  EXPECT_FALSE(has(none, "orwarded")) << none;
}

TEST(Fields, ARouteChangesPathHostAndFields) {
  config::GatewayRoute route;
  route.path = "/p/**";
  route.rewrite = "/v2/**";
  route.send_host = "inner";
  route.request_edits = {.set = {{"X-Set", "new"}}, .add = {{"X-Add", "1"}}, .remove = {"X-Gone"}};
  net::Head head = head_of("Host: h\r\nx-set: old\r\nX-Set: older\r\nX-Add: 0\r\nx-gone: 1\r\n");
  head.target = "/p/a/b";
  const auto out = *request_head(head, {.peer = "10.0.0.9"}, net::BodyFraming::none, {.route = &route});
  EXPECT_TRUE(out.starts_with("POST /v2/a/b?q=1 HTTP/1.1\r\nHost: inner\r\nX-Add: 0\r\nX-Forwarded-For")) << out;
  EXPECT_TRUE(out.ends_with("Via: 1.1 weir\r\nX-Set: new\r\nX-Add: 1\r\n\r\n")) << out;
  EXPECT_TRUE(has(out, "X-Forwarded-Host: shop.example:80\r\n")) << "what the client asked for";
  head.target = "/p";
  EXPECT_TRUE(request_head(head, {}, net::BodyFraming::none, {.route = &route})->starts_with("POST /v2?q=1 "));
  route.rewrite = "/**";
  EXPECT_TRUE(request_head(head, {}, net::BodyFraming::none, {.route = &route})->starts_with("POST /?q=1 "));
  route.rewrite = "/one";
  EXPECT_TRUE(request_head(head, {}, net::BodyFraming::none, {.route = &route})->starts_with("POST /one?q=1 "));
}

TEST(Fields, ARequestWithoutAHostLeavesItsPlaceToTheEndpoints) {
  net::Head head = head_of("X: y\r\n");
  head.authority = {};
  const auto out = *request_head(head, {.peer = "10.0.0.9", .style = config::Forwarded::both}, net::BodyFraming::none);
  EXPECT_EQ(out.find("Host: "), out.npos) << out;
  EXPECT_EQ(out.find("host="), out.npos) << out;
  config::GatewayRoute route;
  route.send_host = "shop.example";
  EXPECT_TRUE(has(*request_head(head, {}, net::BodyFraming::none, {.route = &route}), "Host: shop.example\r\n"));
}

TEST(Fields, ARequestIdIsKeptOrMade) {
  EXPECT_EQ(request_id("abc-1", Rng(1)), "abc-1");
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\"b"), std::string(129, 'x')})
    EXPECT_EQ(request_id(bad, Rng(1)).size(), 32u) << bad;
  const auto out =
      *request_head(head_of("Host: h\r\nx-request-id: a\r\nx-request-id: b\r\nConnection: X-Request-Id\r\n"), {},
                    net::BodyFraming::none, {.request_id = "c"});
  EXPECT_TRUE(has(out, "X-Request-Id: c\r\n")) << out;
  EXPECT_FALSE(has(out, "x-request-id")) << out;
}

TEST(Fields, ATraceIsFoundInAPlainTraceparentOnly) {
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(trace_id("00-" + id + "-00f067aa0ba902b7-01"), id);
  EXPECT_EQ(trace_id("00-" + std::string(32, '0') + "-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace_id("00-" + id), "");
  EXPECT_TRUE(has(passed("Host: h\r\ntraceparent: 00-" + id + "-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n"),
                  "traceparent: 00-" + id + "-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n"));
}

TEST(Fields, OnlyOnePlainTokenIsAnUpgrade) {
  const auto asked = [](std::string_view fields) {
    net::Head head = head_of(fields);
    head.method = "GET";
    return std::string(asked_upgrade(head));
  };
  EXPECT_EQ(asked("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
  EXPECT_EQ(asked("Upgrade: websocket\r\n"), "") << "Connection does not name it";
  EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"), "");
  EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"), "");
  EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: websocket\r\nHTTP2-Settings: AA\r\n"), "");
  EXPECT_EQ(asked("Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"), "");
  EXPECT_EQ(asked_upgrade(head_of("Connection: Upgrade\r\nUpgrade: websocket\r\n")), "") << "a POST";
}

TEST(Fields, NetworksHoldTheAddressesThatTheySay) {
  const Networks networks({"10.0.0.0/8", "192.168.1.7", "fd00::/9"});
  for (const char* in : {"10.255.1.2", "192.168.1.7", "::ffff:10.1.1.1", "fd7f::1"})
    EXPECT_TRUE(networks.contains(in)) << in;
  for (const char* out : {"11.0.0.1", "192.168.1.8", "fd80::1", "", "nonsense", "::1"})
    EXPECT_FALSE(networks.contains(out)) << out;
  EXPECT_TRUE(Networks({"0.0.0.0/0"}).contains("8.8.8.8"));
  EXPECT_FALSE(Networks({"0.0.0.0/0"}).contains("::1"));
}

TEST(Fields, ADeadlineIsReadAndWrittenInItsOwnForm) {
  using namespace std::chrono_literals;
  const auto grpc = [](std::string_view value) { return said_deadline("Grpc-Timeout", value); };
  EXPECT_EQ(grpc("250m"), 250ms);
  EXPECT_EQ(grpc("2S"), 2s);
  EXPECT_EQ(grpc("0n"), 0s);
  EXPECT_EQ(grpc("99999999H"), 24h) << "no overflow";
  for (const char* bad : {"-1S", "123456789S", "5X", "", "S", "1.5S", " 1S"}) EXPECT_EQ(grpc(bad), std::nullopt) << bad;
  EXPECT_EQ(said_deadline("x-envoy-expected-rq-timeout-ms", "15"), 15ms);
  EXPECT_EQ(said_deadline("X-Time", "1.5s"), 1500ms);
  EXPECT_EQ(said_deadline("X-Time", "999999999999"), 24h);
  for (const char* bad : {"", "-3", "9999999999999999999999", "soon"})
    EXPECT_EQ(said_deadline("X-Time", bad), std::nullopt) << bad;
  EXPECT_EQ(deadline_line("grpc-timeout", 1500ms), "grpc-timeout: 1500m\r\n");
  EXPECT_EQ(deadline_line("X-Time", 0s), "X-Time: 1\r\n");
  EXPECT_LE(deadline_line("grpc-timeout", 1000h).size(), std::string("grpc-timeout: \r\n").size() + 9);
}

TEST(Fields, ABodyIsFramedAsItWasUnderstood) {
  net::Head head = head_of("Host: h\r\n");
  head.content_length = Bytes(5);
  EXPECT_EQ(framing_of(head), net::BodyFraming::length);
  EXPECT_TRUE(has(*request_head(head, {}, framing_of(head)), "\r\nContent-Length: 5\r\n\r\n"));
  head.content_length.reset();
  head.chunked = true;
  EXPECT_TRUE(has(*request_head(head, {}, framing_of(head)), "\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(Fields, OfTeOnlyTrailersIsPassedOn) {
  const auto out = passed("TE: gzip, trailers\r\n");
  EXPECT_TRUE(has(out, "TE: trailers\r\nConnection: TE\r\n")) << out;
  EXPECT_FALSE(has(out, "gzip")) << out;
}

TEST(Fields, AnAnswerKeepsItsFieldsAndEachLineOfThem) {
  net::AnswerHead head;
  head.fields =
      "Set-Cookie: a=1, b\r\nSet-Cookie: c=2\r\nConnection: close, X-Own\r\nX-Own: 1\r\nContent-Length: 3\r\n";
  EXPECT_EQ(answer_fields(head), "Set-Cookie: a=1, b\r\nSet-Cookie: c=2\r\nVia: 1.1 weir\r\n");
  EXPECT_EQ(answer_fields(head, {.set = {{"X-Frame-Options", "DENY"}}, .add = {}, .remove = {"set-cookie"}}),
            "Via: 1.1 weir\r\nX-Frame-Options: DENY\r\n");
}

}  // namespace
}  // namespace weir::gateway
