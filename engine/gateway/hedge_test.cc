#include "gateway/hedge.h"

#include <gtest/gtest.h>

#include "gateway/edge_for_test.h"

namespace weir::gateway {
namespace {

using net::PeerConnection;
using net::TestClient;
using net::TestPeer;
using namespace std::chrono_literals;

auto after(Duration delay) {
  return [delay](config::Config& config) {
    config.upstreams[0].hedging = config::Hedging{delay};
    config.upstreams[0].destination.breaker.consecutive_failures = 0;
  };
}

void silent(PeerConnection& c, int) {
  c.head();
  c.head();
}

void answers(PeerConnection& c, int) {
  while (!c.head().empty()) c.answer("second");
}

TEST(Hedge, AnAnswerThatIsLateIsOvertakenAndItsPlaceGivenBack) {
  TestPeer first(silent), second(answers);
  Edge edge({first.address, second.address}, after(5ms));
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("second"));
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
  EXPECT_TRUE(until([&] { return first.closed() == 1; })) << "so that its work can end";
  const auto u = edge.upstream();
  EXPECT_EQ(u.hedges.sent, 1u);
  EXPECT_EQ(u.hedges.won, 1u);
  EXPECT_EQ(u.destination.retries, 1u) << "from the retry budget";
  EXPECT_EQ(u.limit.answered, 1u);
  EXPECT_EQ(u.limit.ignored, 1u) << "nobody knows how long it would have taken";
  EXPECT_EQ(u.destination.failures, 0u);
  EXPECT_EQ(edge.stop().answered[2], 1u) << "one request, one answer";
}

TEST(Hedge, TheWaitBeforeItIsNoTimeOfTheEndpointThatAnswersIt) {
  TestPeer first(silent), second(answers);
  Edge edge({first.address, second.address}, after(200ms));
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("second"));
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
  for (const auto& endpoint : edge.upstream().endpoints) EXPECT_EQ(endpoint.mean, Duration{0}) << endpoint.address;
  EXPECT_EQ(edge.stop().answered[2], 1u);
}

TEST(Hedge, TheFirstOneMayStillBeTheOneThatAnswers) {
  std::promise<void> goes_on;
  TestPeer first(late(goes_on, "first", "first")), second([&](PeerConnection& c, int) {
    c.head();
    goes_on.set_value();
    EXPECT_EQ(c.head(), "") << "the hedge is given up";
  });
  Edge edge({first.address, second.address}, after(5ms));
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("first"));
  EXPECT_TRUE(until([&] { return second.closed() == 1; }));
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
  EXPECT_EQ(edge.upstream().hedges.sent, 1u);
  EXPECT_EQ(edge.upstream().hedges.won, 0u);
  EXPECT_EQ(edge.stop().answered[2], 1u);
}

TEST(Hedge, WhatTheLoserSaysLateReachesNobody) {
  std::promise<void> goes_on;
  TestPeer first([&](PeerConnection& c, int number) {
    if (number == 1) return late(goes_on, "late", "again")(c, number);
    while (!c.head().empty()) c.answer("first");
  });
  TestPeer second(answers);
  Edge edge({first.address, second.address}, after(5ms));
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("second"));
  goes_on.set_value();
  for (int i = 0; i < 4; ++i) {
    client.send(get);
    const auto answer = client.answer();
    EXPECT_TRUE(answer.ends_with("second") || answer.ends_with("first")) << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), answer.npos) << answer;
  }
  EXPECT_EQ(edge.stop().answered[2], 5u);
}

TEST(Hedge, WhenBothFailTheClientReadsOneClearStatus) {
  std::promise<void> hedged;
  TestPeer first([&](PeerConnection& c, int) {
    c.head();
    hedged.get_future().wait();
  });
  TestPeer second([&](PeerConnection& c, int) {
    c.head();
    hedged.set_value();
    EXPECT_TRUE(until([&] { return first.closed() == 1; }));
  });
  Edge edge({first.address, second.address}, after(5ms));
  TestClient client(edge.address);
  client.send(get);
  const auto answer = client.answer();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502")) << answer;
  EXPECT_EQ(refused(edge.stop(), Reason::upstream_failed), 1u);
  EXPECT_EQ(edge.upstream().destination.failures, 2u);
  EXPECT_EQ(edge.upstream().hedges.won, 0u);
}

TEST(Hedge, AHedgeUnderWaySavesARequestWhoseFirstEndpointBreaksOff) {
  std::promise<void> hedged;
  TestPeer first([&](PeerConnection& c, int) {
    c.head();
    hedged.get_future().wait();
  });
  TestPeer second([&](PeerConnection& c, int) {
    c.head();
    hedged.set_value();
    EXPECT_TRUE(until([&] { return first.closed() == 1; }));
    c.answer("second");
    c.head();
  });
  Edge edge({first.address, second.address}, after(5ms));
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("second"));
  EXPECT_EQ(edge.stop().answered[2], 1u);
  EXPECT_EQ(edge.upstream().destination.failures, 1u) << "of the first one";
}

TEST(Hedge, IsNotSentWhenTheRetryBudgetIsUsedUp) {
  std::promise<void> goes_on;
  TestPeer first([&](PeerConnection& c, int number) {
    c.head();
    if (number == 1) return (void)c.head();  // silent: the one hedge that is always allowed
    goes_on.get_future().wait();
    c.answer("first");
    c.head();
  });
  TestPeer second(answers);
  const ManualClock clock;  // the budget's window does not pass
  Edge edge(
      {first.address, second.address},
      [](config::Config& config) {
        after(5ms)(config);
        config.upstreams[0].destination.retry_budget.ratio = 0.001;
        config.upstreams[0].destination.retry_budget.minimum = PerSecond{0};
      },
      clock);
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("second"));
  client.send(get);  // their turns: to the first one again
  edge.until([](const Status& s) { return s.upstreams[0].hedges.no_budget == 1; });
  goes_on.set_value();
  EXPECT_TRUE(client.answer().ends_with("first"));
  EXPECT_EQ(edge.upstream().hedges.sent, 1u);
  EXPECT_EQ(edge.stop().answered[2], 2u);
}

TEST(Hedge, TakesNoPlaceThatSomebodyElseCouldUse) {
  std::promise<void> goes_on;
  TestPeer first(late(goes_on, "first", "first")), second(answers);
  Edge edge({first.address, second.address}, [](config::Config& config) {
    after(5ms)(config);
    config.upstreams[0].concurrency = 1;
  });
  TestClient client(edge.address);
  client.send(get);
  edge.until([](const Status& s) { return s.upstreams[0].hedges.no_place == 1; });
  goes_on.set_value();
  EXPECT_TRUE(client.answer().ends_with("first"));
  EXPECT_EQ(second.connections(), 0);
  edge.stop();
}

TEST(Hedge, WhatMayNotBeRepeatedAndWhatHasABodyIsNeverSentTwice) {
  std::promise<void> goes_on;
  const std::shared_future<void> free(goes_on.get_future());
  TestPeer first([&](PeerConnection& c, int) {
    for (std::string head = c.head(); !head.empty(); head = c.head()) {
      if (!head.starts_with("GET")) free.wait();
      if (head.starts_with("PUT")) c.bytes(1);
      c.answer("first");
    }
  });
  TestPeer second(silent);
  for (const std::string request : {"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
                                    "PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"}) {
    Edge edge({first.address, second.address}, after(5ms));
    TestClient client(edge.address), other(edge.address);
    client.send(request);
    edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 1; });
    other.send(get);  // to the second one, whose silence is hedged at the first
    EXPECT_TRUE(other.answer().ends_with("first"));
    edge.until([](const Status& s) { return s.upstreams[0].hedges.won == 1; });
    EXPECT_EQ(edge.upstream().hedges.sent, 1u) << "the other request has waited for longer";
    if (request.starts_with("PUT")) goes_on.set_value();
    if (request.starts_with("POST"))
      client.close();
    else
      EXPECT_TRUE(client.answer().ends_with("first"));
    edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
    edge.stop();
  }
}

TEST(Hedge, AClientThatLeavesEndsBoth) {
  TestPeer first(silent), second(silent);
  Edge edge({first.address, second.address}, after(5ms));
  {
    TestClient client(edge.address);
    client.send(get);
    edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 2; });
  }
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
  EXPECT_TRUE(until([&] { return first.closed() == 1 && second.closed() == 1; }));
  EXPECT_EQ(abandoned(edge.stop(), Reason::client_gone), 1u);
  EXPECT_EQ(edge.upstream().limit.ignored, 2u);
}

TEST(Hedge, ADeadlineEndsBoth) {
  TestPeer first(silent), second(silent);
  Edge edge({first.address, second.address}, [](config::Config& config) {
    after(1ms)(config);
    config.gateways[0].routes[0].deadline = 500ms;
  });
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 504"));
  edge.until([](const Status& s) { return s.upstreams[0].limit.in_flight == 0; });
  EXPECT_EQ(refused(edge.stop(), Reason::deadline_exceeded), 1u);
}

TEST(Hedge, AnEndpointThatIsAlwaysOutrunIsLeftAlone) {
  TestPeer first(silent), second(answers);
  Edge edge({first.address, second.address}, [](config::Config& config) {
    after(1ms)(config);
    config.upstreams[0].destination.retry_budget.ratio = 1;
  });
  TestClient client(edge.address);
  edge.until([&](const Status& s) {
    client.send(get);
    EXPECT_TRUE(client.answer().ends_with("second"));
    return s.upstreams[0].endpoints[0].ejections == 1;
  });
  edge.stop();
}

TEST(Hedge, WhyTellsThatAnswersAreLate) {
  TestPeer first(silent), second(answers);
  Edge edge({first.address, second.address}, after(1ms));
  TestClient client(edge.address);
  client.send(get);
  EXPECT_TRUE(client.answer().ends_with("second"));
  edge.until(
      [](const Status& s) { return s.upstreams[0].why.find("1 requests were sent to a second") != std::string::npos; });
  edge.stop();
}

}  // namespace
}  // namespace weir::gateway
