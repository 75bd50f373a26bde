// Clients that are refused, wrong, greedy or gone, and stopping; over real sockets.
#include "net/server_for_test.h"
#include "net/test_gzip.h"

namespace weir::net {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;

std::string head_of(std::size_t length) {
  return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

/// Answers without reading.
awaitable<void> refuse(Exchange& e) {
  Response r{.status = 503, .body = "busy"};
  co_await e.respond(std::move(r));
}

TEST(HttpRefusals, ASmallUnreadBodyLeavesTheConnectionAlive) {
  TestServer server(refuse);
  TestClient client(server);
  client.send(head_of(60'000) + std::string(60'000, 'x') + "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.answer().find("close") == std::string::npos);
  EXPECT_TRUE(client.answer().ends_with("busy")) << "found behind the body";
  client.send(head_of(10));
  EXPECT_TRUE(client.answer().ends_with("busy")) << "before the body has come";
  client.send("0123456789GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.answer().ends_with("busy"));
}

TEST(HttpRefusals, AChunkedBodyThatIsAllHereLeavesItAliveToo) {
  TestServer server(refuse);
  TestClient client(server);
  client.send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  EXPECT_TRUE(client.answer().ends_with("busy"));
  EXPECT_TRUE(client.answer().ends_with("busy"));
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  EXPECT_TRUE(client.answer().find("Connection: close") != std::string::npos);
}

TEST(HttpRefusals, ALargeUnreadBodyIsAnsweredWithoutAReset) {
  TestServer server(refuse);
  TestClient client(server);
  client.send(head_of(10'000'000));
  client.send_now(std::string(50'000, 'x'));
  const auto answer = client.rest();
  EXPECT_TRUE(answer.find("Connection: close") != answer.npos);
  EXPECT_TRUE(answer.ends_with("busy")) << answer;
  client.close();
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
}

TEST(HttpRefusals, LingeringEnds) {
  TestServer server(refuse);
  TestClient client(server);
  client.send(head_of(10'000'000));
  EXPECT_TRUE(client.rest().ends_with("busy"));
  EXPECT_EQ(server.stats().connections, 1u) << "the client may still send";
  server.pass(seconds(3));
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
}

TEST(HttpRefusals, AGzipBombStopsAtTheLimit) {
  Bytes largest;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    e.limit_body(1_MiB);
    Bytes total;
    for (;;) {
      const auto piece = co_await e.read(64_KiB);
      if (!piece) {
        Response r{.status = info(piece.error().reason).http_status, .body = std::string(name(piece.error().reason))};
        co_await e.respond(std::move(r));
        break;
      }
      total += Bytes(piece->size());
      largest = total;
    }
  });
  const std::string bomb = test_gzip(std::string(5'000'000, 'x'));
  TestClient client(server);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(bomb.size()) +
              "\r\n\r\n" + bomb);
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\ntoo_large"));
  EXPECT_LE(largest, 1_MiB);
  client.send(head_of(1'048'577));
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 413")) << "before any of it is sent";
}

TEST(HttpRefusals, DamagedGzipIsSaidToBe) {
  TestServer server(echo);
  TestClient client(server);
  for (std::string body : {std::string("not gzip"), test_gzip("cut").substr(0, 12)}) {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_TRUE(client.answer().ends_with("unsupported_encoding"));
  }
}

TEST(HttpRefusals, BrokenRequestsGetTheirReasonAndAClose) {
  TestServer server(echo, {.max_header = 1_KiB});
  const auto answer_to = [&](std::string_view request) {
    TestClient client(server);
    client.send(request);
    return client.rest();
  };
  for (const char* bad :
       {"GARBAGE\r\n\r\n", "GET /\r\n", "\x16\x03\x01\x02", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    const auto answer = answer_to(bad);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << bad << answer;
    EXPECT_NE(answer.find("Connection: close"), answer.npos);
  }
  EXPECT_NE(answer_to("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").find("not HTTP/2"), std::string::npos);
  EXPECT_TRUE(answer_to("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(5000, 'x')).starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(answer_to("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc")
                  .starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(answer_to("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(5000, 'x'))
                  .starts_with("HTTP/1.1 400"));
  EXPECT_EQ(server.stats().bad_requests, 9u);
}

TEST(HttpClientsThatLeave, InTheMiddleOfAHeadOrBody) {
  std::optional<Reason> reason;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    for (;;) {
      const auto piece = co_await e.read(1_KiB);
      if (!piece) reason = piece.error().reason;
      if (!piece || piece->empty()) co_return;
    }
  });
  TestClient(server).send("GET / HT");
  for (const bool rude : {false, true}) {
    reason.reset();
    TestClient client(server);
    client.send(head_of(1000) + "part");
    server.until([&](HttpServer& s) { return s.stats().requests == (rude ? 2u : 1u); });
    rude ? client.reset() : client.close();
    server.until([](HttpServer& s) { return s.stats().connections == 0; });
    EXPECT_EQ(reason, Reason::client_gone);
  }
}

TEST(HttpClientsThatLeave, AreNoticedByAHandlerThatWaits) {
  Waiting waiting;
  const Exchange* exchange = nullptr;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    exchange = &e;
    co_await waiting.handler()(e);
  });
  waiting.gate.emplace(server.io());
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  EXPECT_FALSE(server.on_reactor([&] { return exchange->client_gone(); }));
  EXPECT_EQ(server.on_reactor([&] { return exchange->peer(); }), "127.0.0.1");
  client.reset();
  server.until([&](HttpServer&) { return exchange->client_gone(); });
  waiting.release(server);
  EXPECT_EQ(waiting.answered, false);
}

TEST(HttpClientsThatLeave, InTheMiddleOfAnAnswer) {
  std::optional<bool> outcome;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    co_await e.start(200, "text/plain");
    const std::string piece(100'000, 'x');
    bool there = true;
    while (there) there = co_await e.write(piece);
    outcome = co_await e.finish();
  });
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  client.reset();
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
  EXPECT_EQ(outcome, false);
}

TEST(HttpClientsThatLeave, AHalfClosedOneStillGetsItsAnswer) {
  TestServer server(echo);
  TestClient client(server);
  client.send(head_of(3) + "abc");
  client.half_close();
  EXPECT_TRUE(client.rest().ends_with("POST /p abc"));
}

TEST(HttpCredit, WithoutItTheSocketIsNotRead) {
  Waiting waiting;
  TestServer server(waiting.handler(), {.receive_buffer = 16_KiB});
  waiting.gate.emplace(server.io());
  TestClient client(server);
  client.send(head_of(20'000'000));
  std::size_t taken = 0;
  const std::string piece(100'000, 'x');
  server.until([&](HttpServer& s) { return s.stats().requests == 1; });
  for (std::size_t n = 1; n > 0;) taken += n = client.send_now(piece);
  EXPECT_LT(taken, 8'000'000u) << "the kernel's buffers are full, and we took nothing";
  EXPECT_LE(server.stats().bytes_in, 16_KiB);
  client.close();
  waiting.release(server);
}

TEST(HttpStop, RefusesNewConnectionsAndLetsOthersEnd) {
  Waiting waiting;
  TestServer server(waiting.handler());
  waiting.gate.emplace(server.io());
  TestClient idle(server);
  TestClient busy(server);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1 && s.stats().connections == 2; });
  server.on_reactor([&] {
    server.server().stop_accepting();
    server.server().close_idle();
  });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(server.on_reactor([&] { return server.server().quiet(); }));
  waiting.release(server);
  EXPECT_TRUE(busy.rest().find("Connection: close") != std::string::npos);
  server.on_reactor([&] { server.server().close_all(); });
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
}

TEST(HttpStop, ClosingAllEndsThoseThatRead) {
  TestServer server(echo);
  TestClient client(server);
  client.send(head_of(100) + "part");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  server.on_reactor([&] { server.server().close_all(); });
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
  client.rest();
}

TEST(HttpServer, SaysThatItsPortIsTaken) {
  TestServer server(echo);
  const auto taken = HttpServer::check_address(server.address, false);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("in use by another process"), std::string::npos);
  EXPECT_EQ(HttpServer::check_address(server.address, true).value(), server.address);
}

}  // namespace
}  // namespace weir::net
