// Requests, answers and what keeps a connection alive; over real sockets.
#include <boost/asio/post.hpp>

#include <future>
#include <thread>

#include "net/test_gzip.h"

#include "net/server_for_test.h"

namespace weir::net {

namespace {

using boost::asio::awaitable;

std::string body_of(const std::string& answer) {
  const auto head = answer.find("\r\n\r\n");
  return head == answer.npos ? "NO ANSWER: " + answer : answer.substr(head + 4);
}
std::string post(std::string_view body, std::string_view fields = {}) {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}
std::string chunked(std::string_view body, std::string_view fields = {}) {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "Transfer-Encoding: chunked\r\n\r\n" +
         std::string(body);
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  TestServer server(echo);
  TestClient client(server);
  client.send("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.answer(), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\nGET /a ");
  client.send(post("hello"));
  EXPECT_EQ(body_of(client.answer()), "POST /p hello");
  server.until([](HttpServer& s) { return s.quiet(); });
  EXPECT_EQ(server.stats().requests, 2u);
  EXPECT_EQ(server.stats().accepted, 1u);
  EXPECT_EQ(server.stats().idle, 1u);
}

TEST(HttpServer, AClientThatSendsAheadTakesNobodysTurn) {
  std::string request = "GET / HTTP/1.1\r\nHost: h\r\nX: ", all;
  request.append(64 - request.size() - 4, 'x').append("\r\n\r\n");  // reads of 1 KiB end where a request ends
  for (int i = 0; i < 512; ++i) all += request;
  std::promise<void> sent;
  int served = 0, at_others_turn = 0;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    if (++served == 1) sent.get_future().wait();
    if (served == 100) boost::asio::post(server.io(), [&] { at_others_turn = served; });
    co_await echo(e);
  });
  TestClient client(server);
  client.send(all);
  sent.set_value();
  for (int i = 0; i < 512; ++i) ASSERT_EQ(body_of(client.answer()), "GET / ");
  EXPECT_GE(at_others_turn, 100);
  EXPECT_LE(at_others_turn, 132) << "what others had to do waited for all of them";
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server(echo);
  TestClient client(server);
  std::string requests;
  for (int i = 0; i < 500; ++i) {
    const std::string n = std::to_string(i);
    requests += i % 3 == 0   ? "GET /" + n + " HTTP/1.1\r\nHost: h\r\n\r\n"
                : i % 3 == 1 ? post(n)
                             : chunked(
                                   "1\r\n#\r\n"
                                   "0\r\n\r\n");
  }
  std::thread sender([&] { client.send(requests); });
  for (int i = 0; i < 500; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_EQ(body_of(client.answer()), i % 3 == 0   ? "GET /" + n + " "
                                        : i % 3 == 1 ? "POST /p " + n
                                                     : "POST /p #")
        << i;
  }
  sender.join();
}

TEST(HttpServer, TakesARequestByteByByte) {
  TestServer server(echo);
  TestClient client(server);
  for (const char c : post("abc") + chunked("3\r\nxyz\r\n0\r\n\r\n")) client.send({&c, 1});
  EXPECT_EQ(body_of(client.answer()), "POST /p abc");
  EXPECT_EQ(body_of(client.answer()), "POST /p xyz");
}

TEST(HttpServer, CarriesLargeBodiesOfEveryKind) {
  TestServer server(echo);
  TestClient client(server);
  std::string body(3'000'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * i % 23);
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 50'000) chunks += "C350\r\n" + body.substr(at, 50'000) + "\r\n";
  const std::string packed = test_gzip(body);
  const std::string gzip = "Content-Encoding: gzip\r\n";
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", packed.size());
  for (const std::string& request : {post(body), chunked(chunks + "0\r\n\r\n"), post(packed, gzip),
                                     chunked(size + packed + "\r\n0\r\n\r\n", gzip)}) {
    std::thread sender([&] { client.send(request); });
    EXPECT_TRUE(body_of(client.answer()) == "POST /p " + body);
    sender.join();
  }
  server.until([](HttpServer& s) { return s.stats().idle == 1; });
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  TestServer server(echo);
  TestClient client(server);
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.answer(true), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "GET /b ");
}

TEST(HttpServer, ClosesForHttp10UnlessAsked) {
  TestServer server(echo);
  TestClient once(server);
  once.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(once.rest().find("Connection: close\r\n") != std::string::npos);
  TestClient kept(server);
  kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(kept.answer().find("Connection: keep-alive\r\n") != std::string::npos);
  kept.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(kept.rest().ends_with("Connection: close\r\n\r\nGET / "));
}

TEST(HttpServer, SendsContinueOnlyWhenTheBodyIsWanted) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    if (e.head().target == "/p") {
      co_await echo(e);
      co_return;
    }
    Response no{.status = 404};
    co_await e.respond(std::move(no));
  });
  TestClient wanted(server);
  wanted.send("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(wanted.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  wanted.send("abc");
  EXPECT_EQ(body_of(wanted.answer()), "POST /p abc");
  wanted.send("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(body_of(wanted.answer()), "POST /p abc") << "it did not wait";
  TestClient refused(server);
  refused.send("POST /no HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  const std::string answer = refused.answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 404")) << answer;
  EXPECT_TRUE(answer.find("Connection: close") != answer.npos) << "nobody can tell whether the body will come";
}

TEST(HttpServer, StreamsAnAnswerInChunks) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    co_await e.start(200, "text/plain");
    co_await e.write("hello ");
    co_await e.write("");
    co_await e.write("wide world");
    co_await e.finish();
  });
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n";
  EXPECT_EQ(client.rest(),
            head + "\r\n6\r\nhello \r\na\r\nwide world\r\n0\r\n\r\n" + head + "Connection: close\r\n\r\n");
  TestClient old(server);
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(old.rest(), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhello wide world");
}

TEST(HttpServer, WritesRetryAfterAndWholeExtraLines) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    Response r{.status = 503,
               .body = "{}",
               .retry_after = std::chrono::milliseconds(1500),
               .extra_headers = "RateLimit: 1\r\n"};
    co_await e.respond(std::move(r));
  });
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.answer(),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Retry-After: 2\r\nRateLimit: 1\r\n\r\n{}");
}

TEST(HttpServer, AHandlerWithoutAnAnswerClosesTheConnection) {
  TestServer server([](Exchange&) -> awaitable<void> { co_return; });
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, WaitsForAClientThatReadsSlowly) {
  const std::string large(8'000'000, 'x');
  std::promise<bool> outcome;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    Response r{.body = large};
    outcome.set_value(co_await e.respond(std::move(r)));
  });
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  auto future = outcome.get_future();
  EXPECT_TRUE(body_of(client.answer()) == large);
  EXPECT_TRUE(future.get());
}

TEST(HttpServer, AnswersThatWaitDoNotMixWithOthers) {
  constexpr int pieces = 60'000;
  TestServer server(
      [&](Exchange& e) -> awaitable<void> {
        if (e.head().target != "/stream") {
          co_await echo(e);
          co_return;
        }
        co_await e.start(200, "text/plain");
        for (int i = 0; i < pieces; ++i)
          co_await e.write("x");  // so small that the wait often comes before its first byte
        co_await e.finish();
      },
      {.send_buffer = 8_KiB});
  TestClient slow(server, {.receive_buffer = 4096}), other(server);
  slow.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string stream;
  while (!stream.ends_with("\r\n0\r\n\r\n")) {
    other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_EQ(body_of(other.answer()), "GET /other ");
    const auto some = slow.some();
    ASSERT_FALSE(some.empty());
    stream += some;
  }
  std::string expected;
  for (int i = 0; i < pieces; ++i) expected += "1\r\nx\r\n";
  EXPECT_TRUE(body_of(stream) == expected + "0\r\n\r\n");
}

TEST(HttpServer, PiecesStayValidWhileOthersAreRead) {
  std::optional<TestGate> gate;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    if (e.head().target != "/hold") {
      co_await echo(e);
      co_return;
    }
    std::string text;
    for (;;) {
      const auto piece = co_await e.read(64_KiB);
      if (!piece || piece->empty()) break;
      if (text.size() > 16'000 && text.size() < 40'000) co_await gate->wait();  // a piece on loan across a wait
      text += *piece;
    }
    Response r{.body = std::move(text)};
    co_await e.respond(std::move(r));
  });
  gate.emplace(server.io());
  const std::string body(50'000, 'h');
  TestClient holder(server);
  holder.send("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n" + body.substr(0, 20'000));
  server.until([](HttpServer& s) { return s.stats().bytes_in > 20_KiB - 500_B; });
  holder.send(body.substr(20'000));
  TestClient other(server);
  other.send(post(std::string(60'000, 'o')));
  EXPECT_EQ(body_of(other.answer()).size(), 60'000 + 8u);
  server.until([&](HttpServer& s) {
    gate->open();
    return s.quiet();
  });
  server.on_reactor([&] { gate.reset(); });
  EXPECT_TRUE(body_of(holder.answer()) == body);
}

}  // namespace
}  // namespace weir::net
