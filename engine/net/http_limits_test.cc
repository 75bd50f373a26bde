// Deadlines and the connection cap; over real sockets, on a moved clock.
#include "net/test_server.h"

namespace weir::net {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;

std::string head_of(std::size_t length) {
  return "POST /p HTTP/1.1\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

TEST(HttpDeadlines, AnIdleConnectionIsClosedAfterIdleTimeout) {
  TestServer server(echo);
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\n\r\n");
  client.answer();
  server.until([](HttpServer& s) { return s.stats().idle == 1; });
  server.pass(seconds(59));
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 200")) << "in time";
  server.until([](HttpServer& s) { return s.stats().idle == 1; });
  server.pass(seconds(61));
  EXPECT_TRUE(client.closed());
}

TEST(HttpDeadlines, AHeadThatTricklesIsAnswered408) {
  TestServer server(echo);
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 16_B; });
  server.pass(seconds(6));
  client.send("X: y\r\n");  // a byte now and then does not move the deadline
  server.until([](HttpServer& s) { return s.stats().bytes_in == 22_B; });
  server.pass(seconds(5));
  const auto answer = client.rest();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408")) << answer;
  EXPECT_NE(answer.find("\"body_timeout\""), answer.npos);
  EXPECT_EQ(server.stats().timeouts, 1u);
}

TEST(HttpDeadlines, ABodyThatTricklesIsTooSlow) {
  TestServer server(echo);
  TestClient client(server);
  client.send(head_of(100'000) + std::string(5000, 'x'));
  server.until([](HttpServer& s) { return s.stats().bytes_in > 5000_B; });
  for (int i = 0; i < 3; ++i) {
    server.pass(seconds(20));
    client.send(std::string(5000, 'x'));  // slow, but getting on
    server.until([&](HttpServer& s) { return s.stats().bytes_in > 5000_B * (2 + static_cast<unsigned>(i)); });
  }
  server.pass(seconds(20));
  client.send("x");
  server.until([](HttpServer& s) { return s.stats().bytes_in > 20'001_B; });
  server.pass(seconds(11));
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 408"));
}

TEST(HttpDeadlines, StandStillWhileWeMakeTheClientWait) {
  TestServer server([](Exchange& e) -> awaitable<void> {
    e.pause_timeouts(true);
    co_await echo(e);
  });
  TestClient client(server);
  client.send(head_of(3));
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  server.pass(seconds(1000));
  client.send("abc");
  EXPECT_TRUE(client.answer().ends_with("POST /p abc"));
}

TEST(HttpDeadlines, DoNotRunWhileTheHandlerIsBusyWithSomethingElse) {
  Waiting waiting;
  TestServer server(waiting.handler());
  waiting.gate.emplace(server.io());
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  server.pass(seconds(1000));
  waiting.release(server);
  EXPECT_TRUE(client.answer().ends_with("done"));
}

TEST(HttpDeadlines, AnAnswerThatNobodyReadsIsGivenUp) {
  std::optional<bool> outcome;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    Response r{.body = std::string(20'000'000, 'x')};
    outcome = co_await e.respond(std::move(r));
  });
  TestClient client(server, 4096);
  client.send("GET / HTTP/1.1\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  server.pass(seconds(31));
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
  EXPECT_EQ(outcome, false);
}

TEST(HttpConnections, TheLongestIdleOneMakesRoomAtTheCap) {
  TestServer server(echo, {.max_connections = 2});
  TestClient first(server);
  first.send("GET / HTTP/1.1\r\n\r\n");
  first.answer();
  TestClient second(server);
  second.send("GET / HTTP/1.1\r\n\r\n");
  second.answer();
  server.until([](HttpServer& s) { return s.stats().idle == 2; });
  TestClient third(server);
  third.send("GET /3 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(third.answer().ends_with("GET /3 "));
  EXPECT_TRUE(first.closed());
  second.send("GET /2 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(second.answer().ends_with("GET /2 "));
  EXPECT_EQ(server.stats().evicted_idle, 1u);
}

TEST(HttpConnections, OneTooManyIsToldSoWhenNoneIsIdle) {
  Waiting waiting;
  TestServer server(waiting.handler(), {.max_connections = 1, .retry_after_full = seconds(7)});
  waiting.gate.emplace(server.io());
  TestClient busy(server);
  busy.send("GET / HTTP/1.1\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  TestClient late(server);
  late.send(head_of(50'000) + std::string(50'000, 'x'));
  const auto answer = late.rest();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("Retry-After: 7\r\n"), answer.npos);
  EXPECT_NE(answer.find("\"too_many_connections\""), answer.npos);
  EXPECT_EQ(answer.find("RESET"), answer.npos);
  late.close();
  waiting.release(server);
  EXPECT_TRUE(busy.answer().ends_with("done"));
  EXPECT_EQ(server.stats().refused_connections, 1u);
}

TEST(HttpConnections, ThoseThatAreToldAreBoundedToo) {
  Waiting waiting;
  TestServer server(waiting.handler(), {.max_connections = 1});
  waiting.gate.emplace(server.io());
  TestClient busy(server);
  busy.send("GET / HTTP/1.1\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  std::vector<std::unique_ptr<TestClient>> crowd;
  for (int i = 0; i < 40; ++i) crowd.push_back(std::make_unique<TestClient>(server));
  server.until([](HttpServer& s) { return s.stats().refused_connections == 40; });
  server.pass(seconds(3));  // those that neither read nor leave
  int told = 0;
  for (auto& client : crowd) told += client->rest().starts_with("HTTP/1.1 503");
  EXPECT_EQ(told, 16);
  waiting.release(server);
  EXPECT_EQ(server.stats().connections, 1u);
}

}  // namespace
}  // namespace weir::net
