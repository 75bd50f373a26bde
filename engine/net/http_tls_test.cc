// The server behind TLS: the same exchanges, and handshakes that do not come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/base/context.h>

#include "net/http_client.h"
#include "net/server_for_test.h"
#include "net/test_certificate.h"
#include "net/tls.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using State = TlsSession::State;

struct Https : testing::Test {
  ServerConfig config() {
    ServerConfig made;
    made.tls = *TlsContext::server(files.certificate, files.key, system_clock().wall());
    return made;
  }
  TestCertificate files;
};

/// Blocking, with a limit of ten seconds on every wait.
class TlsClient {
 public:
  TlsClient(const TestServer& server, const std::string& ca) : raw_(server), context_(*TlsContext::client(ca)) {
    session_ = context_.connect(raw_.fd(), "localhost");
    State state = session_->handshake();
    for (; state == State::wait_read || state == State::wait_write; state = session_->handshake()) wait(state);
    ok = state == State::ok;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto moved = session_->write(bytes);
      bytes.remove_prefix(moved.bytes);
      if (moved.state != State::ok && !wait(moved.state)) return;
    }
  }
  /// Until `n` bytes have come or the server has said goodbye.
  std::string receive(std::size_t n) {
    std::string heard(n, '\0');
    std::size_t got = 0;
    for (;;) {
      const auto moved = session_->read(heard.data() + got, n - got);
      got += moved.bytes;
      if (moved.state == State::ok || !wait(moved.state)) break;
    }
    heard.resize(got);
    return heard;
  }
  bool ok = false;

 private:
  bool wait(State state) {
    if (state != State::wait_read && state != State::wait_write) return false;
    pollfd at{raw_.fd(), static_cast<short>(state == State::wait_read ? POLLIN : POLLOUT), 0};
    return ::poll(&at, 1, 10'000) > 0;
  }
  TestClient raw_;
  TlsContext context_;
  std::unique_ptr<TlsSession> session_;
};

std::string post(std::string_view body, std::string_view more = "") {
  return "POST /e HTTP/1.1\r\nHost: w\r\n" + std::string(more) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

TEST_F(Https, AnswersRequestsOfEverySizeOnOneConnection) {
  TestServer server(echo, config());
  TlsClient client(server, files.certificate);
  ASSERT_TRUE(client.ok);
  for (const std::size_t size : {0u, 1u, 1000u, 20'000u, 300'000u}) {
    const std::string body(size, 'x'), expected = "POST /e " + body;
    client.send(post(body));
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {
      const auto byte = client.receive(1);
      ASSERT_EQ(byte.size(), 1u) << answer;
      answer += byte;
    }
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(client.receive(expected.size()), expected);
  }
}

TEST_F(Https, TakesRequestsThatComeInOnePacketOrByteByByte) {
  TestServer server(echo, config());
  TlsClient client(server, files.certificate);
  client.send(post("one") + post("two") + post(std::string(5000, 'y')));
  for (const char byte : post("three", "Connection: close\r\n")) client.send({&byte, 1});
  const auto all = client.receive(100'000);
  EXPECT_THAT(all, HasSubstr("POST /e one"));
  EXPECT_THAT(all, HasSubstr("POST /e two"));
  EXPECT_THAT(all, HasSubstr(std::string(5000, 'y')));
  EXPECT_THAT(all, EndsWith("POST /e three"));
}

TEST_F(Https, AHandshakeThatDoesNotComeTimesOut) {
  TestServer server(echo, config());
  TestClient silent(server);
  server.until([](HttpServer& s) { return s.stats().connections == 1; });
  server.pass(11s);
  EXPECT_TRUE(silent.closed());
}

TEST_F(Https, PlainHttpIsClosedWithoutAnAnswer) {
  TestServer server(echo, config());
  TestClient plain(server);
  plain.send(post("one"));
  EXPECT_THAT(plain.rest(), testing::Not(HasSubstr("HTTP/1.1 2")));
  EXPECT_EQ(server.stats().requests, 0u);
}

TEST_F(Https, ACommandAsksWithTlsAndBelievesOnlyWhomItWasTold) {
  TestServer server(echo, config());
  const auto trusting = TlsContext::client(files.certificate);
  ASSERT_TRUE(trusting);
  EXPECT_EQ(http_get(server.address, "/a", 5s, {}, &*trusting).value(), "GET /a ");
  const auto plain = http_get(server.address, "/a", 5s);
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error().message, HasSubstr("does it speak HTTPS?"));
  const TestCertificate others;
  const auto doubting = TlsContext::client(others.certificate);
  const auto refused = http_get(server.address, "/a", 5s, {}, &*doubting);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, StartsWith(server.address + ": "));
  EXPECT_EQ(refused.error().kind, Error::Kind::disconnected);
}

}  // namespace
}  // namespace weir::net
