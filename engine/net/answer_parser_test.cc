#include "net/answer_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::net {
namespace {

using Status = AnswerParser::Status;

struct Seen {
  Status status = Status::need_more;
  int code = 0;
  std::string body;
  bool keep = false;
};

/// The whole answer in pieces of so many bytes, then the end of the connection.
Seen read(const std::string& bytes, std::size_t at_once, bool to_head = false) {
  AnswerParser parser(1_KiB);
  parser.reset(to_head);
  Seen seen;
  std::string input;
  bool in_body = false;
  for (std::size_t at = 0; at < bytes.size(); at += at_once) {
    input += bytes.substr(at, at_once);
    if (!in_body) {
      seen.status = parser.parse_head(input);
      if (seen.status == Status::damaged) return seen;
      if (seen.status == Status::need_more) continue;
      seen.code = parser.head().status;
      seen.keep = parser.head().keep_alive;
      input.erase(0, parser.head_size());
      in_body = true;
    }
    for (;;) {
      const auto piece = parser.parse_body(input, 7);
      seen.body += piece.data;
      seen.status = piece.status;
      if (piece.status == Status::damaged) return seen;
      const bool over = piece.status == Status::done || piece.data.empty();
      input.erase(0, piece.consumed);
      if (over) break;
    }
  }
  if (seen.status == Status::need_more && in_body && parser.end_of_input()) seen.status = Status::done;
  return seen;
}

TEST(AnswerParser, ReadsEveryFramingHoweverItIsCut) {
  const std::string answers[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
      "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"a\"\r\nhello\r\n6\r\n world\r\n0\r\nT: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello world",
      "HTTP/1.0 200 OK\r\n\r\nhello world",
  };
  for (const auto& answer : answers)
    for (std::size_t at_once = 1; at_once <= answer.size(); ++at_once) {
      const Seen seen = read(answer, at_once);
      EXPECT_EQ(seen.status, Status::done) << answer << at_once;
      EXPECT_EQ(seen.body, "hello world") << answer << at_once;
    }
}

TEST(AnswerParser, NoBodyFollowsAnAnswerToHeadOr204Or304) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 100, true).status, Status::done);
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 100).status, Status::done);
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n", 100).status, Status::done);
}

TEST(AnswerParser, WhatTwoParsersCouldReadDifferentlyIsDamaged) {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  const std::string heads[] = {
      "HTTP/2 200 OK\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 999 X\r\n\r\n",
      start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
      start + "Content-Length: 5, 5\r\n\r\n",
      start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      start + "Content-Length: +5\r\n\r\n",
      start + "Content-Length: 0x5\r\n\r\n",
      start + "Content-Length:\r\n\r\n",
      start + "Content-Length: 99999999999999999999\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      start + "Transfer-Encoding: gzip, chunked\r\n\r\n",
      start + "Transfer-Encoding: xchunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      start + "X : y\r\n\r\n",
      start + "X: y\r\n z\r\n\r\n",
      start + " X: y\r\n\r\n",
      start + "X\r\n\r\n",
      start + ": y\r\n\r\n",
      start + "X: a\nY: b\r\n\r\n",
      start + "X: a\rb\r\n\r\n",
      start + std::string("X: a\0b\r\n\r\n", 10),
      "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
      start + std::string(2000, 'x'),
  };
  for (const auto& head : heads) {
    EXPECT_EQ(read(head, head.size()).status, Status::damaged) << head.substr(0, 80);
    EXPECT_EQ(read(head, 1).status, Status::damaged) << head.substr(0, 80);
  }
}

TEST(AnswerParser, AChunkThatIsNoneIsDamaged) {
  for (const char* chunks :
       {"xyz\r\n", "0x5\r\n", "-1\r\n", " 5\r\n", "5 5\r\nhello\r\n", "\r\n", "5\nhello\r\n", "1\r\nab\r\n",
        "FFFFFFFFFFFFFFFFF\r\n", "5;a=\"\r\nhello\r\n0\r\n\r\n", "0\r\nbad trailer\r\n\r\n", "0\r\n X: y\r\n\r\n"})
    EXPECT_EQ(read(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + chunks, 1000).status,
              Status::damaged)
        << chunks;
  const std::string long_trailers = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                                    std::string(200, 'X') + ": y\r\n" + std::string(2000, 'Y');
  EXPECT_EQ(read(long_trailers, 100).status, Status::damaged);
}

TEST(AnswerParser, WhatEndsEarlyIsNeverDone) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"})
    EXPECT_EQ(read(answer, 1000).status, Status::need_more) << answer;
}

TEST(AnswerParser, AConnectionIsKeptAsItsVersionAndFieldsSay) {
  EXPECT_TRUE(read("HTTP/1.1 204 N\r\n\r\n", 100).keep);
  EXPECT_FALSE(read("HTTP/1.1 204 N\r\nConnection: x, Close\r\n\r\n", 100).keep);
  EXPECT_FALSE(read("HTTP/1.0 204 N\r\n\r\n", 100).keep);
  EXPECT_TRUE(read("HTTP/1.0 204 N\r\nConnection: keep-alive\r\n\r\n", 100).keep);
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\n\r\n", 100).keep) << "its end is the body's end";
}

TEST(AnswerParser, KeepsTrailersButThoseThatFrameOrRoute) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "0\r\nX-Sum: 7\r\ncontent-length: 9\r\nHost: h\r\nY: z\r\n\r\n";
  AnswerParser parser(1_KiB);
  for (int i = 0; i < 2; ++i) {
    parser.reset(false);
    ASSERT_EQ(parser.parse_head(head), Status::done);
    EXPECT_EQ(parser.trailers(), "") << "those of the last answer are gone";
    EXPECT_EQ(parser.parse_body(body, 100).status, Status::done);
    EXPECT_EQ(parser.trailers(), "X-Sum: 7\r\nY: z\r\n");
  }
}

TEST(AnswerParser, BehindASwitchAllIsBodyToTheEnd) {
  AnswerParser parser(1_KiB);
  parser.reset(false);
  ASSERT_EQ(parser.parse_head("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), Status::done);
  parser.become_tunnel();
  const auto piece = parser.parse_body("HTTP/1.1 200 OK\r\n\r\n", 8);
  EXPECT_EQ(piece.data, "HTTP/1.1");
  EXPECT_FALSE(parser.head().keep_alive);
  EXPECT_TRUE(parser.end_of_input());
}

}  // namespace
}  // namespace weir::net
