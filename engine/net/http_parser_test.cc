#include "net/http_parser.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/test_transcript.h"

namespace weir::net {
namespace {

using Status = RequestParser::Status;

Status status_of(std::string_view text) {
  RequestParser parser(1_KiB);
  return parser.parse_head(text);
}

TEST(RequestParser, ReadsAHead) {
  RequestParser parser(1_KiB);
  const std::string text =
      "POST /events?sync=1 HTTP/1.1\r\nHost: a\r\nX-Api-Key:  k 1 \r\nx-api-key: second\r\n"
      "Content-Type: application/x-ndjson\r\nContent-Length: 12\r\nContent-Encoding: gzip\r\nExpect: "
      "100-Continue\r\n\r\nbody";
  ASSERT_EQ(parser.parse_head(text), Status::done);
  const Head& head = parser.head();
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/events");
  EXPECT_EQ(head.query, "sync=1");
  EXPECT_EQ(head.version, 11u);
  EXPECT_EQ(head.content_length, 12_B);
  EXPECT_EQ(head.content_type, "application/x-ndjson");
  EXPECT_TRUE(head.gzip && head.expect_continue && head.keep_alive);
  EXPECT_FALSE(head.chunked || head.unknown_encoding);
  EXPECT_EQ(head.header("X-API-KEY"), "k 1") << "the first one";
  EXPECT_EQ(head.header("X-Api"), "");
  EXPECT_EQ(parser.head_size(), text.size() - 4);
}

TEST(RequestParser, TakesTheAbsoluteForm) {
  RequestParser parser(1_KiB);
  ASSERT_EQ(parser.parse_head("GET http://host:80/a/b?c HTTP/1.1\r\nHost: host\r\n\r\n"), Status::done);
  EXPECT_EQ(parser.head().target, "/a/b");
  EXPECT_EQ(parser.head().query, "c");
  parser.reset();
  ASSERT_EQ(parser.parse_head("GET http://host HTTP/1.1\r\nHost: h\r\n\r\n"), Status::done);
  EXPECT_EQ(parser.head().target, "/");
}

TEST(RequestParser, KnowsWhoKeepsTheConnection) {
  const auto keeps = [](std::string_view text) {
    RequestParser parser(1_KiB);
    EXPECT_EQ(parser.parse_head(text), Status::done) << text;
    return parser.head().keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParser, RefusesWhatRequestsAreSmuggledWith) {
  for (const char* fields : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 6\r\n",
           "Content-Length: -1\r\n",
           "Content-Length: +1\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Content-Length:\r\n",
           "Content-Length : 5\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: identity\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "X: a\r\n folded\r\n",
           "X: a\r\n\tfolded\r\n",
           "X: a\nY: b\r\n",
           "X\r\n",
           ": empty\r\n",
       })
    EXPECT_EQ(status_of(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + fields + "\r\n"), Status::bad_request)
        << fields;
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Status::bad_request);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), Status::done)
      << "agreeing";
}

TEST(RequestParser, WantsOneHostThatIsOne) {
  const auto with = [](std::string_view fields) {
    return status_of("GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n");
  };
  for (const char* host :
       {"a", "a.example:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443", "xn--bcher-kva.example", "a_b"})
    EXPECT_EQ(with("Host: " + std::string(host) + "\r\n"), Status::done) << host;
  for (const char* host : {"", "a b", "a/b", "a@b", "a,b:x", "a:123456", "[::1", "[]", "[::1]x", ":80", "a\"b", "a:8o"})
    EXPECT_EQ(with("Host: " + std::string(host) + "\r\n"), Status::bad_request) << host;
  EXPECT_EQ(with("Host: a\r\nHost: a\r\n"), Status::bad_request) << "twice";
  EXPECT_EQ(with("X: y\r\n"), Status::bad_request) << "none";
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), Status::done) << "HTTP/1.0 needs none";
}

TEST(RequestParser, RefusesControlCharacters) {
  const auto with = [](std::string_view middle, char c) {
    std::string text = std::string("GET /") + std::string(middle) + " HTTP/1.1\r\nHost: h\r\nX: ab\r\n\r\n";
    if (middle.empty())
      text[text.find("ab") + 1] = c;
    else
      text[5] = c;
    return text;
  };
  EXPECT_EQ(status_of(with("x", '\0')), Status::bad_request) << "in the target";
  EXPECT_EQ(status_of(with("", '\0')), Status::bad_request) << "in a field";
  EXPECT_EQ(status_of(with("", '\x01')), Status::bad_request);
}

TEST(RequestParser, KnowsAtTheFirstLineWhatIsNoHttp1) {
  EXPECT_EQ(status_of("GET /\r\n"), Status::bad_request) << "HTTP/0.9";
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n"), Status::bad_request);
  EXPECT_EQ(status_of("\x16\x03\x01"), Status::bad_request) << "TLS";
  EXPECT_EQ(status_of("GET / HTTP/1.2\r\n"), Status::bad_request);
  EXPECT_EQ(status_of("GET / HTTP/1.1\n"), Status::bad_request) << "a bare LF";
  EXPECT_EQ(status_of("\r\n\r\n"), Status::bad_request);
  EXPECT_EQ(status_of("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), Status::done)
      << "one empty line before a request is to be ignored";
}

TEST(RequestParser, CountsTheWholeHeadAgainstItsLimit) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const auto of_size = [&](std::size_t size) {
    return start + "X: " + std::string(size - start.size() - 7, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(status_of(of_size(1024)), Status::done);
  EXPECT_EQ(status_of(of_size(1025)), Status::header_too_large);
  EXPECT_EQ(status_of(std::string(1024, 'A')), Status::header_too_large);
  EXPECT_EQ(status_of(std::string(1023, 'A')), Status::need_more);
}

TEST(RequestParser, MarksEncodingsItCannotUndo) {
  const auto head_of = [](std::string_view fields) {
    RequestParser parser(1_KiB);
    EXPECT_EQ(parser.parse_head(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + std::string(fields) + "\r\n"),
              Status::done);
    return std::pair(parser.head().gzip, parser.head().unknown_encoding);
  };
  EXPECT_EQ(head_of("Content-Encoding: X-Gzip\r\n"), std::pair(true, false));
  EXPECT_EQ(head_of("Content-Encoding: identity\r\n"), std::pair(false, false));
  EXPECT_EQ(head_of("Content-Encoding: br\r\n"), std::pair(false, true));
  EXPECT_EQ(head_of("Content-Encoding: gzip, gzip\r\n"), std::pair(false, true));
  EXPECT_EQ(head_of("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"), std::pair(false, true));
}

TEST(RequestParser, RefusesBadChunks) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(transcript(head + "3\r\nabc\r\n0\r\n\r\n", 1), "POST / {abc} | need_more");
  EXPECT_EQ(transcript(head + "3;ext=\"1\"\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", 1), "POST / {abc} | need_more");
  for (const char* body :
       {"x\r\n\r\n", "3\r\nabcd\r\n\r\n", "ffffffffffffffff1\r\n", "-1\r\n", "3 \r\nabc\r\n\x01", "\r\n\r\n",
        "0\r\nBad Trailer: x\r\n\r\n", "3;a=\"b\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0;a=\"b\\\"\r\n\r\n"})
    EXPECT_TRUE(transcript(head + body + "\r\n\r\n", 1000).ends_with("bad_request")) << body;
  for (const char* body : {"3;a=\"b\r\nabc\r\n", "3\r\nabc\r\n0;a=\"b\r\n"})
    EXPECT_TRUE(transcript(head + body, 1).ends_with("bad_request"))
        << "at the end of the line, and not later: " << body;
  EXPECT_EQ(transcript(head + "3;a=\"\\\"\"\r\nabc\r\n0\r\nX: \"\r\n\r\n", 1), "POST / {abc} | need_more");
  EXPECT_TRUE(transcript(head + "1;" + std::string(2000, 'x'), 1).ends_with("bad_request"))
      << "an endless chunk extension";
  EXPECT_TRUE(transcript(head + "0\r\n" + std::string(2000, 'x'), 1).ends_with("bad_request")) << "endless trailers";
}

TEST(RequestParser, GivesTheSameResultWhereverPacketsEnd) {
  const std::string text =
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\nGET /b?q HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n"
      "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\nGET / "
      "HTTP/1.0\r\n\r\nGARBAGE\r\n";
  const std::string expected = "POST /a {hello} | GET /b {} | PUT /c {wikipedia} | GET / {} | bad_request";
  for (std::size_t step = 1; step <= text.size(); ++step)
    ASSERT_EQ(transcript(text, step), expected) << "steps of " << step;
}

TEST(RequestParser, HandsOutNoMoreThanAsked) {
  for (const char* head :
       {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabcdefghi",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabcdefghi\r\n0\r\n\r\n"}) {
    RequestParser parser(1_KiB);
    std::string_view rest = head;
    ASSERT_EQ(parser.parse_head(rest), Status::done);
    rest.remove_prefix(parser.head_size());
    std::string body;
    for (int i = 0; i < 20 && !parser.body_done(); ++i) {
      const auto piece = parser.parse_body(rest, 2);
      EXPECT_LE(piece.data.size(), 2u);
      body += piece.data;
      rest.remove_prefix(piece.consumed);
    }
    EXPECT_EQ(body, "abcdefghi");
  }
}

TEST(RequestParser, KeepsTrailersAndRefusesThoseThatFrameOrRoute) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  RequestParser parser(1_KiB);
  ASSERT_EQ(parser.parse_head(head), RequestParser::Status::done);
  EXPECT_EQ(parser.trailers(), "");
  EXPECT_EQ(parser.parse_body("0\r\nX-Sum: 7\r\nCookie: c\r\nY: z\r\n\r\n", 100).status, RequestParser::Status::done);
  EXPECT_EQ(parser.trailers(), "X-Sum: 7\r\nY: z\r\n") << "a cookie has no place there";
  for (const char* field : {"Content-Length: 5", "host: evil", "Transfer-Encoding: chunked"})
    EXPECT_EQ(transcript(head + "0\r\n" + field + "\r\n\r\n", 1), "POST / {bad_request") << field;
}

}  // namespace
}  // namespace weir::net
