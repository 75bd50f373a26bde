#include "net/http_session.h"

#include <gtest/gtest.h>

#include "net/peer_for_test.h"
#include "net/server_for_test.h"
#include "net/test_certificate.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;
using Reply = ScriptedServer::Reply;
using Request = ScriptedServer::Request;
using Status = ReplyReader::Status;

TEST(HttpSession, LeavesAKeptConnectionWhenItsNameStandsForAnotherAddress) {
  TestServer before(echo), after(echo);
  ManualClock clock;
  const Context context(clock);
  std::atomic<bool> has_moved{false};
  HttpSession session(
      {.address = "name:1",
       .max_idle = std::chrono::hours(1),
       .look_up = [&](const std::string&) { return resolve_all(has_moved ? after.address : before.address); }},
      context);
  const std::string head = "GET / HTTP/1.1\r\nHost: name\r\n\r\n";
  ASSERT_TRUE(session.exchange(head, {}));
  ASSERT_TRUE(session.exchange(head, {}));
  EXPECT_EQ(session.connections(), 1u);
  has_moved = true;
  clock.advance(21s);
  while (after.stats().requests == 0) ASSERT_TRUE(session.exchange(head, {}));
  EXPECT_EQ(session.connections(), 2u);
}

TEST(HttpSession, TriesAnotherAddressOfTheNameAfterOneThatDoesNotAnswer) {
  TestPeer silent([](PeerConnection& connection, int) { connection.head(); });
  TestServer answers(echo);
  const Context context;
  HttpSession session({.address = "name:1",
                       .look_up = [&](const std::string&) -> Result<std::vector<Endpoint>> {
                         return std::vector{*resolve(silent.address), *resolve(answers.address)};
                       }},
                      context);
  const std::string head = "GET / HTTP/1.1\r\nHost: name\r\n\r\n";
  EXPECT_FALSE(session.exchange(head, {}));
  EXPECT_TRUE(session.exchange(head, {}));
}

struct ReplyReaderTest : testing::Test {
  /// In pieces of `step` bytes, then the end of the connection.
  Status read(std::string_view bytes, std::size_t step) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
      if (const auto status = reader.feed(bytes.substr(0, step)); status != Status::need_more) return status;
    return reader.end();
  }
  ReplyReader reader{1_KiB, Bytes(10)};
};

TEST_F(ReplyReaderTest, ReadsEachFramingWhereverPacketsEnd) {
  const std::string_view answers[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\nhello",
  };
  for (const auto answer : answers)
    for (std::size_t step = 1; step <= answer.size(); ++step) {
      reader = ReplyReader(1_KiB, Bytes(10));
      ASSERT_EQ(read(answer, step), Status::done) << answer << " in steps of " << step;
      const auto reuse = reader.may_reuse();
      EXPECT_EQ(reuse, answer.starts_with("HTTP/1.1")) << answer;
      EXPECT_EQ(reader.take().body, "hello") << answer;
    }
}

TEST_F(ReplyReaderTest, TakesWhatServersInUseAnswer) {
  const std::pair<std::string_view, bool> answers[] = {
      // nginx
      {"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", true},
      // Go's net/http, with a trailer
      {"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", true},
      // Node.js, in its own order and case
      {"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\ntransfer-encoding: chunked\r\n\r\n02\r\nok\r\n0\r\n\r\n", true},
      // Python's http.server
      {"HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\nContent-Length: 2\r\n\r\nok", false},
      // Jetty and Tomcat, without a reason phrase
      {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", true},
      {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", true},
      // Envoy, with early hints before it
      {"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: "
       "close\r\n\r\nok",
       false},
      // a balancer with words in its own case, and one that says nothing of the length
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", false},
  };
  for (const auto& [answer, reuse] : answers) {
    reader = ReplyReader(1_KiB, Bytes(10));
    ASSERT_EQ(read(answer, 3), Status::done) << answer;
    EXPECT_EQ(reader.may_reuse(), reuse) << answer;
    const auto taken = reader.take();
    EXPECT_EQ(taken.status, 200) << answer;
    EXPECT_EQ(taken.body, "ok") << answer;
  }
}

TEST_F(ReplyReaderTest, BelievesNoAnswerThatCouldEndInTwoPlaces) {
  const std::string_view bad[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
  };
  for (const auto answer : bad) {
    reader = ReplyReader(1_KiB, Bytes(10));
    EXPECT_EQ(read(answer, 3), Status::damaged) << answer;
  }
}

TEST_F(ReplyReaderTest, KeepsTheBeginningOfABodyThatIsTooLarge) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n0123456789abc", 1000), Status::done);
  EXPECT_FALSE(reader.may_reuse());
  const auto answer = reader.take();
  EXPECT_EQ(answer.body, "0123456789");
  EXPECT_TRUE(answer.truncated);
}

TEST_F(ReplyReaderTest, GivesUpOnWhatIsNoAnswer) {
  const std::string bad[] = {
      "220 mail.example.org ESMTP\r\n",
      "HTTP/1.1 abc\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
      "HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x'),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + std::string(2000, 'x'),
  };
  for (const auto& bytes : bad) {
    reader = ReplyReader(1_KiB, Bytes(10));
    EXPECT_EQ(read(bytes, 7), Status::damaged) << bytes;
  }
}

struct HttpSessionTest : testing::Test {
  HttpSession session_to(const ScriptedServer& server) {
    return HttpSession({.address = server.address, .timeout = timeout, .max_idle = max_idle}, context);
  }
  Result<HttpAnswer> post(HttpSession& session, const std::string& body = "hi") {
    return session.exchange("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n",
                            body);
  }
  Duration timeout = 60s, max_idle = 30s;
  Context context;
};

TEST_F(HttpSessionTest, KeepsItsConnection) {
  ScriptedServer server([](const Request& r) { return ScriptedServer::answer(200, r.body); });
  auto session = session_to(server);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(session, std::string(200'000, 'x')).value().body.size(), 64u << 10);
  EXPECT_EQ(session.connections(), 3u) << "an answer beyond 64 KiB ends its connection";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(session).value().body, "hi");
  EXPECT_EQ(session.connections(), 4u);
}

TEST_F(HttpSessionTest, SendsOnceMoreWhenAKeptConnectionBreaksBeforeTheAnswer) {
  ScriptedServer server([](const Request& r) {
    return r.number == 2 ? Reply{"", true} : ScriptedServer::answer(200, "", "", r.number == 3);
  });
  auto session = session_to(server);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(session).value().status, 200);
  EXPECT_EQ(server.requests().size(), 4u);
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(HttpSessionTest, AFreshConnectionThatBreaksIsAFailureAtOnce) {
  ScriptedServer server([](const Request&) { return Reply{"", true}; });
  auto session = session_to(server);
  const auto answer = post(session);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Error::Kind::disconnected);
  EXPECT_EQ(server.requests().size(), 1u) << "no second try";
}

TEST_F(HttpSessionTest, AnAnswerThatBreaksOffIsNotAskedForAgain) {
  ScriptedServer server([](const Request& r) {
    return r.number == 1 ? ScriptedServer::answer(200)
                         : Reply{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", true};
  });
  auto session = session_to(server);
  EXPECT_TRUE(post(session));
  EXPECT_NE(post(session).error().message.find("middle of the answer"), std::string::npos);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpSessionTest, GivesUpInTimeAndSaysWhat) {
  timeout = 1s;
  ScriptedServer server([](const Request&) { return Reply{"HTTP/1.1 20", false}; });
  auto session = session_to(server);
  EXPECT_EQ(post(session).error().message,
            server.address + ": no answer within 1 s: it is slow or stuck, or `timeout` is too short");
}

TEST_F(HttpSessionTest, LeavesAConnectionThatWasIdleTooLong) {
  max_idle = 0s;
  ScriptedServer server([](const Request&) { return ScriptedServer::answer(200); });
  auto session = session_to(server);
  EXPECT_TRUE(post(session));
  EXPECT_TRUE(post(session));
  EXPECT_EQ(session.connections(), 2u);
}

TEST_F(HttpSessionTest, SaysWhenNobodyIsThere) {
  std::string address;
  {
    ScriptedServer server([](const Request&) { return ScriptedServer::answer(200); });
    address = server.address;
  }
  HttpSession session({.address = address}, context);
  EXPECT_NE(post(session).error().message.find("is it running"), std::string::npos);
}

TEST_F(HttpSessionTest, ACancelEndsAnExchangeOnItsWay) {
  HttpSession* to_cancel = nullptr;
  ScriptedServer server([&](const Request&) {
    to_cancel->cancel();
    return Reply{};
  });
  auto session = session_to(server);
  to_cancel = &session;
  EXPECT_NE(post(session).error().message.find("the process stops"), std::string::npos);
}

TEST_F(HttpSessionTest, SpeaksTlsAndBelievesOnlyWhomItIsTold) {
  const TestCertificate files, others;
  ServerConfig config;
  config.tls = *TlsContext::server(files.certificate, files.key, context.wall());
  const TestServer server(echo, config);
  SessionConfig to{.address = server.address, .server_name = "localhost"};
  to.tls = *TlsContext::client(files.certificate);
  HttpSession session(to, context);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(session, std::string(50'000, 'x')).value().body.size(), 50'007u);
  EXPECT_EQ(session.connections(), 1u);

  to.server_name = "example.org";
  HttpSession wrong_name(to, context);
  EXPECT_EQ(post(wrong_name).error().kind, Error::Kind::disconnected);
  to.server_name = "localhost";
  to.tls = *TlsContext::client(others.certificate);
  HttpSession wrong_ca(to, context);
  EXPECT_NE(post(wrong_ca).error().message.find("certificate"), std::string::npos);
}

}  // namespace
}  // namespace weir::net
