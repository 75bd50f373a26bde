// Deadlines and the connection cap; over real sockets, on a moved clock.
#include <netinet/in.h>
#include <sys/resource.h>

#include <array>
#include <atomic>

#include <weir/base/sanitizers_for_test.h>

#include "net/accept_limit.h"
#include "net/server_for_test.h"

namespace weir::net {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;

std::string head_of(std::size_t length) {
  return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

/// More than any connection holds.
awaitable<void> answers_at_length(Exchange& e) { co_await e.respond({.body = std::string(20'000'000, 'x')}); }

TEST(HttpDeadlines, AnIdleConnectionIsClosedAfterIdleTimeout) {
  TestServer server(echo);
  TestClient client(server);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  client.answer();
  server.until([](HttpServer& s) { return s.stats().idle == 1; });
  server.pass(seconds(59));
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
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

TEST(HttpDeadlines, ABodyThatDoesNotComeHoldsAStopForTenSeconds) {
  TestServer server(echo);
  TestClient client(server);
  client.send(head_of(100) + "half");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  server.pass(seconds(9));
  EXPECT_EQ(server.stats().timeouts, 0u);
  server.on_reactor([&] { server.server().drain(); });
  server.pass(seconds(2));
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 408"));
  client.close();
  server.until([](HttpServer& s) { return s.quiet(); });
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
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
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
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  server.pass(seconds(31));
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
  EXPECT_EQ(outcome, false);
}

TEST(HttpDeadlines, AnAnswerThatNobodyReadsIsGivenUpThoughTheHandlerHadPausedThem) {
  std::optional<bool> outcome;
  TestServer server(
      [&](Exchange& e) -> awaitable<void> {
        e.pause_timeouts(true);
        Response r{.body = std::string(20'000'000, 'x')};
        outcome = co_await e.respond(std::move(r));
      },
      {.answer_timeout = seconds(20)});
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  server.pass(seconds(21));
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
  EXPECT_EQ(outcome, false);
}

TEST(HttpDeadlines, AnAnswerInPiecesHasOneDeadlineForAllOfThem) {
  bool over = false;
  TestServer server([&](Exchange& e) -> awaitable<void> {
    co_await e.start(200, "text/plain");
    const std::string piece(1'000'000, 'x');
    while (co_await e.write(piece)) {
    }
    over = true;
  });
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  server.pass(seconds(31));
  server.until([&](HttpServer&) { return over; });
}

TEST(HttpDeadlines, AStoppingServerWaitsTenSecondsForAnAnswerToBeRead) {
  TestServer server(answers_at_length);
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  server.pass(seconds(11));
  EXPECT_EQ(server.stats().connections, 1u) << "not stopping yet";
  server.on_reactor([&] { server.server().stop_accepting(); });
  server.pass(seconds(1));
  server.until([](HttpServer& s) { return s.quiet(); });
}

TEST(HttpDeadlines, AnAnswerThatNobodyReadsHoldsADrainForTenSeconds) {
  TestServer server(answers_at_length);
  TestClient client(server, {.receive_buffer = 4096});
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().bytes_out > 1_B; });
  server.on_reactor([&] { server.server().drain(); });
  server.pass(seconds(9));
  EXPECT_EQ(server.stats().timeouts, 0u);
  server.pass(seconds(2));
  server.until([](HttpServer& s) { return s.quiet(); });
  EXPECT_EQ(server.stats().timeouts, 1u);
}

awaitable<void> refuse_unread(Exchange& e) {
  Response r{.status = 503, .body = "full"};
  co_await e.respond(std::move(r));
}

TEST(HttpLinger, AClientThatSendsALargeBodyFirstReadsItsRefusal) {
  TestServer server(refuse_unread);
  for (int i = 0; i < 5; ++i) {
    TestClient client(server);
    client.send(head_of(900'000) + std::string(900'000, 'x'));
    const auto answer = client.rest();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
    EXPECT_TRUE(answer.ends_with("full")) << answer;
  }
}

TEST(HttpLinger, EndsAsSoonAsTheRequestHasBeenSent) {
  TestServer server(refuse_unread);
  TestClient client(server);
  client.send(head_of(900'000) + std::string(900'000, 'x'));
  server.until([](HttpServer& s) { return s.stats().connections == 0; });  // though no time passes, and nobody closes
}

TEST(HttpLinger, EndsAfterTwoSecondsForAClientThatNeverEnds) {
  TestServer server(refuse_unread);
  TestClient client(server);
  client.send(head_of(900'000) + std::string(1000, 'x'));
  EXPECT_TRUE(client.rest().starts_with("HTTP/1.1 503"));
  server.pass(seconds(1));
  EXPECT_EQ(server.stats().connections, 1u);
  client.send("x");
  server.pass(seconds(2));
  server.until([](HttpServer& s) { return s.stats().connections == 0; });
}

TEST(HttpLinger, HoldsOnlySoManyConnections) {
  TestServer server(refuse_unread, {.max_connections = 40});  // 16 of them may linger
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TestClient>(server));
    clients.back()->send(head_of(900'000));
    EXPECT_TRUE(clients.back()->rest().starts_with("HTTP/1.1 503"));
  }
  server.until([](HttpServer& s) { return s.stats().connections == 16; });
}

TEST(HttpConnections, TheLongestIdleOneMakesRoomAtTheCap) {
  TestServer server(echo, {.max_connections = 2});
  TestClient first(server);
  first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  first.answer();
  TestClient second(server);
  second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  second.answer();
  server.until([](HttpServer& s) { return s.stats().idle == 2; });
  TestClient third(server);
  third.send("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(third.answer().ends_with("GET /3 "));
  EXPECT_TRUE(first.closed());
  second.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(second.answer().ends_with("GET /2 "));
  EXPECT_EQ(server.stats().evicted_idle, 1u);
}

TEST(HttpConnections, OneTooManyIsToldSoWhenNoneIsIdle) {
  Waiting waiting;
  int full = 0;
  TestServer server(waiting.handler(),
                    {.max_connections = 1, .retry_after_full = seconds(7), .on_full = [&] { ++full; }});
  waiting.gate.emplace(server.io());
  TestClient busy(server);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
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
  EXPECT_EQ(server.on_reactor([&] { return full; }), 1);
}

TEST(HttpConnections, OneTooManyReadsItThoughItsBodyIsLarge) {
  Waiting waiting;
  TestServer server(waiting.handler(), {.max_connections = 1});
  waiting.gate.emplace(server.io());
  TestClient busy(server);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  TestClient late(server);
  late.send(head_of(900'000) + std::string(900'000, 'x'));
  const auto answer = late.rest();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_EQ(answer.find("RESET"), answer.npos);
  late.close();
  waiting.release(server);
}

TEST(HttpConnections, TheOldestUnfinishedOneMakesRoomWhereTheServerHasToAnswer) {
  TestServer server(echo, {.max_connections = 2, .close_unfinished = true});
  TestClient first(server), second(server);
  first.send("GET /1 HT");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 9_B; });
  second.send("GET /2 HT");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 18_B; });
  TestClient third(server);
  third.send("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(third.answer().ends_with("GET /3 "));
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(server.stats().evicted_unfinished, 1u);
  EXPECT_EQ(server.stats().refused_connections, 0u);
}

TEST(HttpConnections, OfOneAddressOnlySoManyAreKept) {
  TestServer server(echo, {.max_per_peer = 2, .close_unfinished = true});
  TestClient first(server), second(server);
  first.send("GET /1 HT");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 9_B; });
  second.send("GET /2 HT");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 18_B; });
  const int elsewhere = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in here{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK + 1)}, .sin_zero = {}};
  ASSERT_EQ(::bind(elsewhere, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  TestClient other(server, {.socket = elsewhere});
  other.send("GET /o HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(other.answer().ends_with("GET /o "));
  EXPECT_EQ(server.stats().evicted_unfinished, 0u) << "another address has places of its own";
  TestClient third(server);
  third.send("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(third.answer().ends_with("GET /3 "));
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(server.stats().evicted_unfinished, 1u);
}

/// While it lives the process gets no further descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::socket(AF_INET, SOCK_STREAM, 0);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(HttpConnections, AReserveAnswersWhenTheProcessHasNoDescriptorLeft) {
  if (checks_need_descriptors) GTEST_SKIP() << "the sanitizer needs descriptors of its own";
  TestServer server(echo, {.close_unfinished = true, .reserve_descriptors = 2});
  server.until([](HttpServer&) { return true; });
  std::array<int, 4> sockets{};
  for (int& fd : sockets) fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const NoDescriptors none;
  ASSERT_EQ(::socket(AF_INET, SOCK_STREAM, 0), -1);
  TestClient first(server, {.socket = sockets[0]}), second(server, {.socket = sockets[1]});
  first.send("GET /1 HT");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 9_B; });
  second.send("GET /2 HT");
  server.until([](HttpServer& s) { return s.stats().bytes_in == 18_B; });
  TestClient third(server, {.socket = sockets[2]});
  third.send("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(third.answer().ends_with("GET /3 "));
  EXPECT_TRUE(first.closed()) << "the reserve is used up: the oldest unfinished one made room";
  third.close();
  TestClient fourth(server, {.socket = sockets[3]});
  fourth.send("GET /4 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(fourth.answer().ends_with("GET /4 "));
}

TEST(HttpConnections, ItIsToldThatNoDescriptorIsLeft) {
  if (checks_need_descriptors) GTEST_SKIP() << "the sanitizer needs descriptors of its own";
  std::atomic<int> told{0};
  TestServer server(echo, {.on_no_descriptor = [&] { ++told; }});
  server.until([](HttpServer&) { return true; });
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  {
    const NoDescriptors none;
    TestClient waits(server, {.socket = socket});
    server.until([&](HttpServer&) { return told > 0; });
  }
  EXPECT_GT(told, 0);
}

TEST(AcceptLimit, LastsUntilASecondAfterTheLastFailure) {
  AcceptLimit limit;
  TimePoint now{std::chrono::hours(1)};
  EXPECT_FALSE(limit.is_reached(now));
  limit.reached(now);
  EXPECT_TRUE(limit.is_reached(now + std::chrono::milliseconds(900)));
  EXPECT_FALSE(limit.is_reached(now + std::chrono::seconds(1)));
  EXPECT_EQ(limit.times(), 1u);
}

TEST(HttpConnections, EveryOneTooManyIsTold) {
  Waiting waiting;
  TestServer server(waiting.handler(), {.max_connections = 1});
  waiting.gate.emplace(server.io());
  TestClient busy(server);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  server.until([](HttpServer& s) { return s.stats().requests == 1; });
  std::vector<std::unique_ptr<TestClient>> crowd;
  for (int i = 0; i < 40; ++i) crowd.push_back(std::make_unique<TestClient>(server));
  server.until([](HttpServer& s) { return s.stats().refused_connections == 40; });
  int told = 0;
  for (auto& client : crowd) told += client->rest().starts_with("HTTP/1.1 503");
  EXPECT_EQ(told, 40) << "each of them, though only 16 are waited for at a time";
  server.pass(seconds(3));  // those that do not leave
  waiting.release(server);
  EXPECT_EQ(server.stats().connections, 1u);
}

}  // namespace
}  // namespace weir::net
