// One gateway on real sockets, between a client that says exactly which bytes and upstreams that answer by a script.
#include "gateway/gateways.h"

#include <gtest/gtest.h>

#include <list>

#include "gateway/edge_for_test.h"

namespace weir::gateway {
namespace {

using net::PeerConnection;
using net::TestClient;
using net::TestPeer;
using namespace std::chrono_literals;

TEST(Gateway, DeclaresAtLeastWhatItsConnectionsMayTake) {
  config::Gateway gateway;
  const auto server = server_config(gateway);
  const auto listens = net::connection_footprint(server, true);
  EXPECT_GE(config::footprint(gateway).per_unit, listens.per_unit);
  EXPECT_GE(config::footprint(gateway).fixed, listens.fixed + server.receive_buffers->most_grown(listens.max_units));
  EXPECT_EQ(config::footprint(gateway).max_units, listens.max_units);
  config::Upstream upstream;
  upstream.endpoints = {"127.0.0.1:1", "127.0.0.1:2"};
  EXPECT_GE(config::footprint(upstream).per_unit,
            net::ClientPool::footprint(pool_config(upstream, upstream.endpoints[0])));
  EXPECT_EQ(config::footprint(upstream).max_units, 2 * upstream.max_connections);
  EXPECT_GE(config::footprint(upstream).fixed,
            flow::WaitingRoom::footprint({.most = upstream.max_waiting, .shares = 1}));
}

TEST(Gateway, PassesARequestOnAndItsAnswerBack) {
  std::string seen;
  TestPeer peer([&](PeerConnection& c, int) {
    seen = c.head() + c.bytes(5);
    c.answer("world", "X-Own: 1\r\n");
    c.head();
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  client.send("POST /p?q HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(client.answer(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Own: 1\r\nVia: 1.1 weir\r\n\r\nworld");
  EXPECT_TRUE(seen.starts_with("POST /p?q HTTP/1.1\r\nHost: shop\r\n")) << seen;
  EXPECT_TRUE(seen.ends_with("Content-Length: 5\r\n\r\nhello")) << seen;
  const auto counts = edge.stop();
  EXPECT_EQ(counts.in, 1u);
  EXPECT_EQ(counts.answered[2], 1u);
}

TEST(Gateway, AnUpstreamOfAsFewConnectionsAsTheFileMaySayIsServed) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.answer("world");
    c.head();
  });
  Edge edge({peer.address}, [](config::Config& config) { config.upstreams[0].max_connections = 2; });
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("world"));
  EXPECT_EQ(edge.stop().answered[2], 1u);
}

TEST(Gateway, KeepsBothConnectionsForTheNextRequest) {
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  for (int i = 0; i < 5; ++i) {
    client.send(get);
    std::string answer;
    while (!answer.ends_with("0\r\n\r\n")) answer += client.some();
    EXPECT_TRUE(answer.ends_with("2\r\nok\r\n0\r\n\r\n")) << answer;
  }
  EXPECT_EQ(peer.connections(), 1);
  EXPECT_EQ(edge.stop().answered[2], 5u);
}

TEST(Gateway, ARequestThatIsSentOnceMoreHasTheDeadlineThatItHad) {
  TestPeer peer([](PeerConnection& c, int number) {
    c.head();
    if (number > 1) return (void)c.head();  // silent
    c.answer("first");
    c.head();  // and closes
  });
  Edge edge({peer.address}, [](config::Config& c) { c.gateways[0].routes[0].deadline = 200ms; });
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("first"));
  client.send(get);
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 504"));
  EXPECT_EQ(peer.connections(), 2);
  EXPECT_EQ(refused(edge.stop(), Reason::deadline_exceeded), 1u);
}

TEST(Gateway, AnAnswerToHeadHasItsLengthAndNoBody) {
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  for (int i = 0; i < 2; ++i) {
    client.send("HEAD /p HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.answer(true), "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nVia: 1.1 weir\r\n\r\n");
  }
  EXPECT_EQ(peer.connections(), 1);
  edge.stop();
}

TEST(Gateway, AClientThatWaitsFor100IsToldToSendByTheGateway) {
  std::string seen;
  TestPeer peer([&](PeerConnection& c, int) {
    seen = c.head() + c.bytes(5);
    c.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    c.answer("done");
    c.head();
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer(true), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.answer(true), "HTTP/1.1 103 Information\r\nLink: x\r\nVia: 1.1 weir\r\n\r\n");
  EXPECT_TRUE(client.answer().ends_with("done"));
  EXPECT_EQ(seen.find("Expect"), seen.npos) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\nhello")) << seen;
  edge.stop();
}

TEST(Gateway, EachBadUpstreamHasOneClearStatus) {
  struct Case {
    std::string says, status, reason;
  };
  const Case cases[] = {
      {"", "502", "upstream_failed"},
      {"garbage\r\n\r\n", "502", "upstream_failed"},
      {"HTTP/1.1 200 OK\r\nContent-", "502", "upstream_failed"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "502", "upstream_failed"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "502", "upstream_failed"},
      {std::string("HTTP/1.1 200 OK\r\nX: ") + std::string(40'000, 'x') + "\r\n\r\n", "502", "upstream_failed"},
  };
  for (const auto& c : cases) {
    TestPeer peer([&](PeerConnection& p, int) {
      p.head();
      p.send(c.says);
    });
    Edge edge({peer.address});
    TestClient client(edge.address);
    client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    const auto answer = client.answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + c.status)) << c.says.substr(0, 60) << "\n" << answer;
    EXPECT_NE(answer.find("Weir-Reason: " + c.reason), answer.npos) << answer;
    EXPECT_NE(answer.find("application/problem+json"), answer.npos) << answer;
    EXPECT_EQ(refused(edge.stop(), Reason::upstream_failed), 1u);
  }
}

TEST(Gateway, AllEndpointsDownAreOneAnswerWithRetryAfter) {
  std::string gone;
  {
    TestPeer peer([](PeerConnection&, int) {});
    gone = peer.address;
  }
  Edge edge({gone});
  TestClient client(edge.address);
  client.send(get);
  const auto answer = client.answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("Weir-Reason: upstream_unreachable"), answer.npos) << answer;
  EXPECT_NE(answer.find("Retry-After: "), answer.npos) << answer;
  EXPECT_NE(answer.find("Connection refused"), answer.npos) << answer;
  EXPECT_EQ(refused(edge.stop(), Reason::upstream_unreachable), 1u);
}

TEST(Gateway, AnUpstreamThatSaysNothingIsLeftAtTheDeadline) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    EXPECT_EQ(c.head(), "") << "the connection is closed, so that the work can end";
  });
  Edge edge({peer.address}, [](config::Config& c) { c.gateways[0].routes[0].deadline = 50ms; });
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 504"));
  const auto counts = edge.stop();
  EXPECT_EQ(refused(counts, Reason::deadline_exceeded), 1u);
  EXPECT_EQ(edge.upstream().limit.failed, 1u) << "a time-out is a sign of overload";
}

TEST(Gateway, AnAnswerThatBreaksOffIsNeverAWholeOne) {
  for (const std::string framing :
       {"Content-Length: 9\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"}) {
    TestPeer peer([&](PeerConnection& c, int) {
      c.head();
      c.send("HTTP/1.1 200 OK\r\n" + framing);
    });
    Edge edge({peer.address});
    TestClient client(edge.address);
    client.send(get);
    const auto all = client.rest();
    EXPECT_TRUE(all.ends_with("RESET")) << all;
    EXPECT_EQ(all.find("0\r\n\r\n"), all.npos) << "the last chunk would be a whole end";
    EXPECT_EQ(all.find("upstream_failed"), all.npos) << "no foreign byte in the body";
    EXPECT_EQ(abandoned(edge.stop(), Reason::upstream_failed), 1u);
  }
}

TEST(Gateway, AnEarlyAnswerReachesAClientThatStillSends) {
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 28000000\r\n\r\n");
  std::thread upload([&] { client.send(std::string(28'000'000, 'x')); });
  const auto answer = client.answer();
  upload.join();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413") && answer.ends_with("large")) << answer;
  EXPECT_NE(answer.find("Connection: close"), answer.npos);
  EXPECT_EQ(edge.stop().answered[4], 1u);
}

TEST(Gateway, BothBodiesFlowAtTheSameTime) {
  constexpr std::size_t size = 4 << 20;
  TestPeer peer([](PeerConnection& c, int) {
    c.head();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    for (std::size_t at = 0; at < size; at += 64 << 10) c.send(c.bytes(64 << 10));
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  std::thread upload([&] { client.send(std::string(size, 'x')); });
  const auto answer = client.answer();
  upload.join();
  EXPECT_GT(answer.size(), size);
  EXPECT_EQ(edge.stop().answered[2], 1u);
}

TEST(Gateway, TheDeadlineIsForTheHeadOfAnAnswerAndNotForItsBody) {
  std::atomic<bool> go{false};
  TestPeer peer([&](PeerConnection& c, int number) {
    c.head();
    if (number > 1) return (void)c.head();  // silent
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    c.bytes(100'000);
    go.wait(false);
    c.send("late");
    c.head();
  });
  Edge edge({peer.address}, [](config::Config& c) { c.gateways[0].routes[0].deadline = 50ms; });
  TestClient client(edge.address);
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_TRUE(client.answer(true).starts_with("HTTP/1.1 200")) << "before the request has ended";
  client.send(std::string(100'000, 'x'));
  TestClient later(edge.address);
  later.send(get);
  EXPECT_TRUE(later.answer().starts_with("HTTP/1.1 504")) << "a deadline that began later has passed";
  go = true;
  go.notify_all();
  EXPECT_EQ(client.some(), "late");
  EXPECT_EQ(edge.stop().answered[2], 1u);
}

TEST(Gateway, AStaleConnectionIsNoticedByNobodyWhereRepeatingIsSafe) {
  std::atomic<int> requests{0};
  TestPeer peer([&](PeerConnection& c, int number) {
    c.head();
    ++requests;
    c.answer("first");
    if (number > 1) return (void)c.head();
    c.head();  // the second request on the first connection is read, and the connection reset
    ++requests;
    c.reset();
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("first"));
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("first"));
  EXPECT_EQ(requests, 3);
  edge.until([](const Status& s) { return s.upstreams[0].repeated == 1; });
  EXPECT_EQ(edge.stop().answered[2], 2u);
}

TEST(Gateway, WhatMayHaveHappenedIsNeverRepeated) {
  for (const std::string request : {"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
                                    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"}) {
    std::atomic<int> requests{0};
    TestPeer peer([&](PeerConnection& c, int) {
      c.head();
      c.answer("first");
      if (c.head().empty()) return;
      ++requests;
      if (request.ends_with("hello")) c.bytes(5);
      c.reset();
    });
    Edge edge({peer.address}, [](config::Config& c) { c.upstreams[0].attempts = 3; });
    TestClient client(edge.address);
    client.send(get);
    EXPECT_TRUE(client.answer().ends_with("first"));
    client.send(request);
    EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 502"));
    EXPECT_EQ(requests, 1);
    EXPECT_EQ(peer.connections(), 1);
    edge.stop();
  }
}

TEST(Gateway, ARetryGoesToAnotherEndpointWithinTheBudget) {
  std::string gone;
  {
    TestPeer peer([](PeerConnection&, int) {});
    gone = peer.address;
  }
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.answer("alive");
  });
  Edge edge({gone, peer.address}, [](config::Config& c) { c.upstreams[0].attempts = 2; });
  for (int i = 0; i < 4; ++i) {
    TestClient client(edge.address);
    client.send(get);
    EXPECT_TRUE(client.answer().ends_with("alive"));
  }
  EXPECT_EQ(edge.stop().answered[2], 4u);
  EXPECT_GE(edge.upstream().destination.retries, 1u);
}

TEST(Gateway, AnEndpointThatAsksToBeLeftAloneIsLeftAlone) {
  std::atomic<int> asked{0};
  TestPeer full([&](PeerConnection& c, int) {
    while (!c.head().empty()) {
      ++asked;
      c.send("HTTP/1.1 503 Full\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n");
    }
  });
  TestPeer free([](PeerConnection& c, int) {
    while (!c.head().empty()) c.answer("free");
  });
  Edge edge({full.address, free.address});
  TestClient client(edge.address);
  for (int i = 0; i < 10; ++i) {
    client.send(get);
    client.answer();
  }
  EXPECT_EQ(asked, 1);
  const auto counts = edge.stop();
  EXPECT_EQ(counts.answered[5], 1u) << "its answer goes to the client as it is";
  EXPECT_EQ(counts.answered[2], 9u);
  EXPECT_EQ(edge.upstream().destination.failures, 0u) << "a refusal is no failure";
}

TEST(Gateway, AClientThatLeavesEndsTheWorkAndFreesThePlace) {
  std::atomic<bool> left{false};
  TestPeer peer([&](PeerConnection& c, int) {
    c.head();
    left = c.head().empty();
  });
  Edge edge({peer.address});
  {
    TestClient client(edge.address);
    client.send(get);
    edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  }
  edge.until([&](const Status& s) { return s.upstreams[0].limit.in_flight == 0 && left; });
  EXPECT_EQ(abandoned(edge.stop(), Reason::client_gone), 1u);
  EXPECT_EQ(edge.upstream().limit.ignored, 1u) << "it says nothing of the upstream";
}

TEST(Gateway, ARequestAtAStalledUpstreamKeepsItsPlaceWhenItsClientHasItsAnswer) {
  std::promise<void> goes_on;
  TestPeer peer(late(goes_on, "late", "in time"));
  Edge edge({peer.address}, [](config::Config& config) {
    config.upstreams[0].concurrency = 1;
    config.upstreams[0].destination.breaker.consecutive_failures = 1;
    config.gateways[0].routes[0].deadline = 1500ms;
  });
  TestClient first(edge.address), second(edge.address), third(edge.address);
  first.send(get);
  EXPECT_TRUE(first.answer().starts_with("HTTP/1.1 504"));
  second.send(get);
  const std::string refusal = second.answer();
  EXPECT_TRUE(refusal.find("Weir-Reason: destination_stalled") != refusal.npos) << refusal;
  EXPECT_EQ(edge.upstream().limit.in_flight, 1u);
  goes_on.set_value();
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
  third.send(get);
  EXPECT_TRUE(third.answer().ends_with("in time"));  // and no breaker is open
  EXPECT_EQ(peer.connections(), 1);
  const auto counts = edge.stop();
  EXPECT_EQ(refused(counts, Reason::deadline_exceeded), 1u);
  EXPECT_EQ(counts.answered[2], 1u);
}

TEST(Gateway, AClientThatHasClosedItsSendingHalfIsServedWhereTheFileSaysSo) {
  std::atomic<bool> go{false};
  TestPeer peer([&](PeerConnection& c, int number) {
    c.head();
    if (number > 1) return (void)c.head();  // silent
    go.wait(false);
    c.answer("late");
  });
  Edge edge({peer.address}, [](config::Config& c) { c.gateways[0].serve_half_closed = true; });
  TestClient client(edge.address);
  client.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  client.half_close();
  TestClient gone(edge.address);
  gone.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 2; });
  gone.reset();
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });  // those who left were looked for
  go = true;
  go.notify_all();
  EXPECT_TRUE(client.answer().ends_with("late"));
  const auto counts = edge.stop();
  EXPECT_EQ(counts.answered[2], 1u);
  EXPECT_EQ(abandoned(counts, Reason::client_gone), 1u) << "who has closed both";
}

TEST(Gateway, WhoFindsNoPlaceWaitsAndIsRefusedInTime) {
  TestPeer peer([](PeerConnection& c, int) { c.head(), c.head(); });
  Edge edge({peer.address}, [](config::Config& c) {
    c.upstreams[0].concurrency = 1;
    c.upstreams[0].max_wait = 50ms;
  });
  TestClient first(edge.address), second(edge.address);
  first.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  second.send(get);
  const auto answer = second.answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("Retry-After: "), answer.npos);
  first.close();
  const auto counts = edge.stop();
  EXPECT_EQ(counts.in, 2u);
  EXPECT_EQ(counts.ended(), 2u);
}

/// An upstream with one place, which is taken by a request that is never answered.
struct Occupied {
  TestPeer peer{[](PeerConnection& c, int) { c.head(), c.head(); }};
  Edge edge{{peer.address}, [](config::Config& c) {
              c.upstreams[0].concurrency = 1;
              c.upstreams[0].max_wait = 10s;
              auto& routes = c.gateways[0].routes;
              routes.insert(routes.begin(), routes[0]);
              routes[0].path = "/soon";
              routes[0].deadline = 50ms;
            }};
  TestClient first{edge.address};
  Occupied() {
    first.send(get);
    edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  }
};

TEST(Gateway, AClientThatLeavesWhileItWaitsLeavesTheRoom) {
  Occupied busy;
  {
    TestClient client(busy.edge.address);
    client.send(get);
    busy.edge.until([](const Status& s) { return s.upstreams[0].room.waiting == 1; });
  }
  busy.edge.until([](const Status& s) { return s.upstreams[0].room.waiting == 0; });
  busy.first.close();
  EXPECT_EQ(abandoned(busy.edge.stop(), Reason::client_gone), 2u);
}

TEST(Gateway, ADeadlineHoldsInTheRoomToo) {
  Occupied busy;
  TestClient client(busy.edge.address);
  client.send("GET /soon HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 504"));
  busy.first.close();
  EXPECT_EQ(refused(busy.edge.stop(), Reason::deadline_exceeded), 1u);
}

TEST(Gateway, WhoMattersMoreTakesThePlaceOfWhoWaits) {
  std::atomic<bool> go{false};
  TestPeer peer([&](PeerConnection& c, int) {
    while (!c.head().empty()) {
      go.wait(false);
      c.answer("served");
    }
  });
  Edge edge({peer.address}, [](config::Config& c) {
    c.upstreams[0].concurrency = 1;
    c.upstreams[0].max_wait = 5s;
    c.upstreams[0].max_waiting = 1;
    c.gateways[0].routes[0].priority_header = "X-Priority";
  });
  TestClient first(edge.address), batch(edge.address), high(edge.address);
  first.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  batch.send("GET /p HTTP/1.1\r\nHost: h\r\nX-Priority: batch\r\n\r\n");
  edge.until([](const Status& s) { return s.upstreams[0].room.waiting == 1; });
  high.send("GET /p HTTP/1.1\r\nHost: h\r\nX-Priority: high\r\n\r\n");
  EXPECT_NE(batch.answer().find("Weir-Reason: priority_shed"), std::string::npos);
  go = true;
  go.notify_all();
  EXPECT_TRUE(high.answer().ends_with("served"));
  EXPECT_TRUE(first.answer().ends_with("served"));
  const auto counts = edge.stop();
  EXPECT_EQ(counts.answered[2], 2u);
  EXPECT_EQ(refused(counts, Reason::priority_shed), 1u);
}

TEST(Gateway, ARouteAboveItsRateIsAnswered429AndTheUpstreamSeesNothingOfIt) {
  TestPeer peer([](PeerConnection& c, int) {
    while (!c.head().empty()) c.answer("ok");
  });
  const ManualClock clock;  // the refusal stays one of the last second
  Edge edge(
      {peer.address},
      [](config::Config& config) {
        config::Rate rate;
        rate.guard.limit.limit = 1;
        rate.guard.limit.window = 1h;
        rate.guard.limit.burst = 1;
        rate.guard.name = "rate";
        rate.guard.key = {.of = async::ClientKey::Of::header, .header = "X-Key"};
        config.gateways[0].routes[0].guards.rates.push_back(rate);
      },
      clock);
  TestClient client(edge.address);
  const auto ask = [&](const std::string& key) {
    client.send("GET /p HTTP/1.1\r\nHost: h\r\nX-Key: " + key + "\r\n\r\n");
    return client.answer();
  };
  EXPECT_TRUE(ask("a").starts_with("HTTP/1.1 200"));
  const std::string refusal = ask("a");
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 429")) << refusal;
  EXPECT_TRUE(refusal.find("Weir-Reason: rate_limited") != refusal.npos) << refusal;
  EXPECT_TRUE(refusal.find("Retry-After: ") != refusal.npos) << refusal;
  EXPECT_TRUE(refusal.find("RateLimit-Policy: \"rate\";q=1;w=3600\r\n") != refusal.npos) << refusal;
  EXPECT_TRUE(refusal.find("RateLimit: \"rate\";r=0;t=3600\r\n") != refusal.npos) << refusal;
  EXPECT_TRUE(refusal.find("rate lets 1 pass in 3600 s") != refusal.npos) << refusal;
  edge.until([](const Status& s) { return s.gateways[0].guarded.at(0).why.starts_with("its guards"); });
  EXPECT_TRUE(ask("b").starts_with("HTTP/1.1 200"));
  const auto counts = edge.stop();
  EXPECT_EQ(counts.answered[2], 2u);
  EXPECT_EQ(refused(counts, Reason::rate_limited), 1u);
}

TEST(Gateway, WhoIsRefusedByTheUpstreamHasItsQuotaBack) {
  std::promise<void> goes_on;
  TestPeer peer(late(goes_on));
  Edge edge({peer.address}, [](config::Config& config) {
    config.upstreams[0].concurrency = 1;
    config.upstreams[0].max_wait = Duration{0};
    config::Rate rate;
    rate.guard.limit.limit = 2;
    rate.guard.limit.window = 1h;
    rate.guard.limit.burst = 2;
    rate.guard.name = "rate";
    config.gateways[0].routes[0].guards.rates.push_back(rate);
  });
  TestClient first(edge.address), second(edge.address);
  first.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  for (int i = 0; i < 3; ++i) {
    second.send(get);
    const std::string refusal = second.answer();
    EXPECT_TRUE(refusal.find("Weir-Reason: concurrency_limited") != refusal.npos) << refusal;
  }
  goes_on.set_value();
  EXPECT_TRUE(first.answer().ends_with("ok"));
  second.send(get);
  EXPECT_TRUE(second.answer().starts_with("HTTP/1.1 200"));
  edge.stop();
}

TEST(Gateway, WhoIsBackWhenToldTakesThePlaceOfOneThatWasNotTold) {
  std::promise<void> goes_on;
  TestPeer peer(late(goes_on));
  ManualClock clock;
  Edge edge(
      {peer.address},
      [](config::Config& config) {
        config.upstreams[0].concurrency = 1;
        config.upstreams[0].max_waiting = 1;
      },
      clock);
  const auto waiting = [&](std::uint32_t n) {
    edge.until(
        [n](const Status& s) { return s.upstreams[0].limit.in_flight == 1 && s.upstreams[0].room.waiting == n; });
  };
  TestClient at_work(edge.address), told(edge.address), other(edge.address), newcomer(edge.address);
  at_work.send(get);
  waiting(0);
  other.send(get);
  waiting(1);
  told.send(get);
  const std::string refusal = told.answer();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503")) << refusal;
  EXPECT_TRUE(refusal.find("Retry-After: 1\r\n") != refusal.npos) << refusal;
  clock.advance(960ms);  // within what clients' clocks may differ by
  EXPECT_TRUE(other.answer().starts_with("HTTP/1.1 503")) << "it has waited for too long";
  newcomer.send(get);
  waiting(1);
  told.send(get);
  EXPECT_TRUE(newcomer.answer().find("Weir-Reason: concurrency_limited") != std::string::npos);
  goes_on.set_value();
  EXPECT_TRUE(at_work.answer().ends_with("ok"));
  EXPECT_TRUE(told.answer().ends_with("ok"));
  edge.stop();
}

TEST(Gateway, ATenantThatWaitsWithManyLosesItsPlaceToOneThatHasNone) {
  std::promise<void> goes_on;
  TestPeer peer(late(goes_on));
  Edge edge({peer.address}, [](config::Config& config) {
    config.upstreams[0].concurrency = 1;
    config.upstreams[0].max_wait = 10s;
    config.upstreams[0].max_waiting = 2;
    config.upstreams[0].tenants = 8;
    config.gateways[0].routes[0].fairness = {{.of = async::ClientKey::Of::header, .header = "X-Key"}, 8};
  });
  const auto of = [](const std::string& key) { return "GET /p HTTP/1.1\r\nHost: h\r\nX-Key: " + key + "\r\n\r\n"; };
  TestClient first(edge.address), second(edge.address), third(edge.address), polite(edge.address);
  first.send(of("rude"));
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  second.send(of("rude"));
  edge.until([](const Status& s) { return s.upstreams[0].room.waiting == 1; });
  third.send(of("rude"));
  edge.until([](const Status& s) { return s.upstreams[0].room.waiting == 2; });
  polite.send(of("polite"));
  const std::string refusal = third.answer();
  EXPECT_TRUE(refusal.find("Weir-Reason: concurrency_limited") != refusal.npos) << refusal;
  goes_on.set_value();
  EXPECT_TRUE(polite.answer().ends_with("ok"));
  EXPECT_TRUE(first.answer().ends_with("ok"));
  EXPECT_TRUE(second.answer().ends_with("ok"));
  edge.stop();
}

TEST(Gateway, ATenantOfMoreWeightHasMoreTurns) {
  std::promise<void> goes_on;
  std::string order;
  TestPeer peer([&](PeerConnection& c, int) {
    c.head();
    goes_on.get_future().wait();
    c.answer("ok");
    for (std::string head = c.head(); !head.empty(); head = c.head()) {
      order += head.find("X-Key: gold") != head.npos ? 'g' : 'p';
      c.answer("ok");
    }
  });
  const ManualClock clock;  // nobody has waited for too long
  Edge edge(
      {peer.address},
      [](config::Config& config) {
        config.upstreams[0].concurrency = 1;
        config.upstreams[0].max_waiting = 8;
        config.upstreams[0].tenants = 8;
        config.gateways[0].routes[0].fairness = {
            {.of = async::ClientKey::Of::header, .header = "X-Key"}, 8, {{"gold", 4}}};
      },
      clock);
  std::list<TestClient> clients;
  const auto sends = [&](const std::string& key) {
    clients.emplace_back(edge.address).send("GET /p HTTP/1.1\r\nHost: h\r\nX-Key: " + key + "\r\n\r\n");
  };
  sends("plain");
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  std::uint32_t waiting = 0;
  for (const char* key : {"plain", "plain", "gold", "gold", "gold", "gold"}) {
    sends(key);
    ++waiting;
    edge.until([&](const Status& s) { return s.upstreams[0].room.waiting == waiting; });
  }
  goes_on.set_value();
  for (TestClient& client : clients) EXPECT_TRUE(client.answer().ends_with("ok"));
  edge.stop();
  EXPECT_EQ(order.size(), 6u);
  EXPECT_TRUE(order.ends_with('p')) << order << ": four turns of gold for each of the other";
}

TEST(Gateway, WhatIsNoRequestNeverReachesAnUpstream) {
  TestPeer peer([](PeerConnection& c, int) {
    if (!c.head().empty()) ADD_FAILURE() << "the upstream saw a request";
  });
  Edge edge({peer.address});
  const std::string start = "POST /p HTTP/1.1\r\nHost: h\r\n";
  for (const std::string& request : {
           start + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
           start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
           start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           start + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
           start + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
           start + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
           start + "Content-Length: +4\r\n\r\nabcd",
           start + "X: a\r\n b\r\n\r\n",
           start + "Host: other\r\n\r\n",
           start + "X: a\nY: b\r\n\r\n",
           std::string("GET http://a/ HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"),
           std::string("GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("GET /a HTTP/1.1\r\n\r\n"),
       }) {
    TestClient client(edge.address);
    client.send(request);
    EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 400")) << request;
  }
  edge.stop();
  EXPECT_EQ(peer.connections(), 0);
}

TEST(Gateway, AClientOfHttp10WithoutAHostIsPassedOnWithTheEndpointsOwn) {
  std::string seen;
  TestPeer peer([&](PeerConnection& c, int) {
    seen = c.head();
    c.answer("ok");
  });
  Edge edge({peer.address});
  TestClient client(edge.address);
  client.send("GET /p HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.answer().ends_with("ok"));
  edge.stop();
  EXPECT_TRUE(seen.starts_with("GET /p HTTP/1.1\r\nHost: " + peer.address + "\r\n")) << seen;
  EXPECT_EQ(seen.find("X-Forwarded-Host"), seen.npos) << seen;
}

TEST(Gateway, ABodyThatIsDamagedOnItsWayIsNeverAWholeRequest) {
  std::atomic<bool> whole{false};
  TestPeer peer([&](PeerConnection& c, int) {
    c.head();
    whole = !c.read_to("0\r\n\r\n").empty();
  });
  Edge edge({peer.address});
  for (const std::string body : {"5\r\nhello\r\nxyz\r\n", "5;a=\"b\r\nhello\r\n0\r\n\r\n"}) {
    TestClient client(edge.address);
    client.send("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
    EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 400")) << body;
  }
  EXPECT_EQ(refused(edge.stop(), Reason::bad_request), 2u);
  EXPECT_FALSE(whole);
}

TEST(Gateway, WhileItStopsRequestsUnderWayEndAndNewOnesAreToldToComeBack) {
  std::atomic<bool> go{false};
  TestPeer peer([&](PeerConnection& c, int) {
    c.head();
    go.wait(false);
    c.answer("done");
    c.head();
  });
  Edge edge({peer.address});
  TestClient slow(edge.address), idle(edge.address);
  slow.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
  std::thread stopping([&] { edge.gateways->stop(10s); });
  EXPECT_TRUE(idle.closed()) << "an idle connection is closed";
  TestClient late(edge.address);
  late.send(get);
  const auto answer = late.answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("Weir-Reason: shutting_down"), answer.npos);
  EXPECT_NE(answer.find("Retry-After: "), answer.npos);
  go = true;
  go.notify_all();
  EXPECT_TRUE(slow.answer().ends_with("done"));
  stopping.join();
  EXPECT_EQ(edge.gateways->status().gateways[0].requests.answered[2], 1u);
  EXPECT_EQ(edge.gateways->status().gateways[0].difference(), 0);
}

TEST(Gateway, AHealthCheckThatIsNeverAnsweredDoesNotHoldItUp) {
  std::atomic<bool> asked{false};
  TestPeer peer([&](PeerConnection& c, int) {
    c.head();
    asked = true;
    c.head();
  });
  Edge edge({peer.address}, [](config::Config& config) {
    config.upstreams[0].health = config::HealthConfig{.path = "/healthz", .timeout = 24h};
  });
  EXPECT_TRUE(until([&] { return asked.load(); }));
  auto stopped = std::async(std::launch::async, [&] { return edge.gateways->stop(0s); });
  EXPECT_TRUE(until([&] { return peer.closed() == 1; })) << "and not after its time-out of a day";
  EXPECT_EQ(stopped.get(), 0u);
}

/// An upstream whose connections take a day to be made: it says nothing to the handshake of TLS.
void never_connects(config::Config& config) {
  config.upstreams[0].connect_timeout = 24h;
  config.upstreams[0].tls.emplace();
  config.gateways[0].routes[0].deadline = 24h;
}

TEST(Gateway, AConnectionOnItsWayHoldsNoStopUp) {
  TestPeer peer([](PeerConnection& c, int) { c.head(); });
  const ManualClock clock;  // no time passes: whoever waits for its end would wait for ever
  Edge edge({peer.address}, never_connects, clock);
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(until([&] { return peer.connections() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { return edge.gateways->stop(0s); });
  EXPECT_TRUE(until([&] { return stopped.wait_for(0s) == std::future_status::ready; }));
  EXPECT_EQ(stopped.get(), 1u) << "the request was given up";
}

TEST(Gateway, AClientThatLeavesEndsTheConnectionThatIsMadeForIt) {
  TestPeer peer([](PeerConnection& c, int) { c.head(); });
  Edge edge({peer.address}, never_connects);
  {
    TestClient client(edge.address);
    client.send(get);
    EXPECT_TRUE(until([&] { return peer.connections() == 1; }));
  }
  EXPECT_TRUE(until([&] { return peer.closed() == 1; }));
  const auto counts = edge.stop();
  EXPECT_EQ(abandoned(counts, Reason::client_gone), 1u);
  EXPECT_EQ(edge.upstream().destination.failures, 0u) << "it says nothing of the upstream";
}

TEST(Gateway, AHealthCheckThatDoesNotConnectHoldsNoStopUp) {
  TestPeer peer([](PeerConnection& c, int) { c.head(); });
  const ManualClock clock;
  Edge edge(
      {peer.address},
      [](config::Config& config) {
        never_connects(config);
        config.upstreams[0].health = config::HealthConfig{.path = "/healthz", .timeout = 24h};
      },
      clock);
  EXPECT_TRUE(until([&] { return peer.connections() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { return edge.gateways->stop(0s); });
  EXPECT_TRUE(until([&] { return stopped.wait_for(0s) == std::future_status::ready; }));
}

TEST(Gateway, WhatDoesNotEndHoldsItsStopUpForSomeSecondsOnly) {
  TestPeer peer([](PeerConnection& c, int) { c.head(); });  // says nothing: no handshake of TLS ends with it
  ManualClock clock;
  const Context context(clock);
  config::Config config;
  config.upstreams.push_back({.name = "shop", .endpoints = {peer.address}, .connect_timeout = 24h});
  config.upstreams[0].tls.emplace();
  config.gateways.push_back({.name = "edge", .listen = "127.0.0.1:0"});
  config.gateways[0].routes.push_back({.path = "/**", .to = "shop", .deadline = 24h});
  std::optional<Gateways> gateways(std::in_place, config, context);
  ASSERT_TRUE(gateways->open().has_value());
  gateways->start();
  TestClient client(gateways->status().gateways[0].address);
  client.send(get);
  EXPECT_TRUE(until([&] { return peer.connections() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { return gateways->stop(1s); });
  const auto over = [&] { return stopped.wait_for(0s) == std::future_status::ready; };
  EXPECT_TRUE(until(over, [&] {
    clock.advance(10ms);
    std::this_thread::yield();
  }));
  EXPECT_EQ(stopped.get(), 1u) << "the request was given up";
  gateways.reset();
}

}  // namespace
}  // namespace weir::gateway
