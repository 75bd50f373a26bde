#include "gateway/fields.h"

#include <gtest/gtest.h>

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
      "Host: h\r\nConnection: keep-alive, X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nProxy-Connection: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
      "5\r\n"
      "Expect: 100-continue\r\nX-Kept: 2\r\n");
  for (const char* gone : {"X-Own", "Keep-Alive", "TE:", "Trailer", "Upgrade", "HTTP2", "Proxy-Connection",
                           "Transfer-Encoding", "Content-Length", "Expect", "Connection"})
    EXPECT_FALSE(has(out, gone)) << gone << "\n" << out;
  EXPECT_TRUE(has(out, "X-Kept: 2\r\n"));
}

TEST(Fields, WhatTheGatewayAddsCannotBeTakenAwayOrForged) {
  const auto out = passed(
      "Host: h\r\nConnection: X-Forwarded-For, Host, Via\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: evil\r\nVia: 1.0 old\r\n");
  EXPECT_TRUE(has(out, "X-Forwarded-For: 1.2.3.4, 10.0.0.9\r\n"));
  EXPECT_TRUE(has(out, "X-Forwarded-Proto: http\r\n"));
  EXPECT_FALSE(has(out, "evil"));
  EXPECT_TRUE(has(out, "Via: 1.0 old, 1.1 weir\r\n"));
  EXPECT_TRUE(has(out, "Host: shop.example:80\r\n"));
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

TEST(Fields, AnAnswerKeepsItsFieldsAndEachLineOfThem) {
  net::AnswerHead head;
  head.fields =
      "Set-Cookie: a=1, b\r\nSet-Cookie: c=2\r\nConnection: close, X-Own\r\nX-Own: 1\r\nContent-Length: 3\r\n";
  EXPECT_EQ(answer_fields(head), "Set-Cookie: a=1, b\r\nSet-Cookie: c=2\r\nVia: 1.1 weir\r\n");
}

}  // namespace
}  // namespace weir::gateway
