#pragma once
/// For tests: one gateway on real sockets, between a client that says exactly which bytes and upstreams that answer by
/// a script.
///
/// Thread: the test's; the gateway has its own. Bound: as in client_for_test.h.
#include <gtest/gtest.h>
#include <weir/base/until_for_test.h>

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/gateways.h"
#include "net/client_for_test.h"
#include "net/peer_for_test.h"

namespace weir::gateway {

inline constexpr std::string_view get = "GET /p HTTP/1.1\r\nHost: h\r\n\r\n";

class Edge {
 public:
  explicit Edge(std::vector<std::string> endpoints, std::function<void(config::Config&)> more = {},
                const Clock& clock = system_clock())
      : context(clock) {
    config::Config config;
    config::Upstream& shop = config.upstreams.emplace_back();
    shop.name = "shop";
    shop.endpoints = std::move(endpoints);
    config::Gateway& gateway = config.gateways.emplace_back();
    gateway.name = "edge";
    gateway.listen = "127.0.0.1:0";
    config::GatewayRoute route;
    route.path = "/**";
    route.to = "shop";
    gateway.routes.push_back(route);
    if (more) more(config);
    gateways.emplace(config, context);
    EXPECT_TRUE(gateways->open().has_value());
    gateways->start();
    address = gateways->status().gateways[0].address;
  }
  /// The final ledger.
  RequestCounts stop() {
    gateways->stop(std::chrono::seconds(5));
    const auto status = gateways->status();
    EXPECT_EQ(status.gateways[0].difference(), 0);
    EXPECT_EQ(status.gateways[0].in_flight, 0u);
    EXPECT_EQ(status.upstreams[0].limit.in_flight, 0u);
    return status.gateways[0].requests;
  }
  UpstreamStatus upstream() { return gateways->status().upstreams[0]; }
  /// Until what is published says so.
  template <typename Condition>
  void until(Condition condition) {
    // `status` waits for what is so now.
    EXPECT_TRUE(weir::until([&] { return condition(gateways->status()); }, [] { std::this_thread::yield(); }));
  }

  Context context;
  std::optional<Gateways> gateways;
  std::string address;
};

inline std::uint64_t refused(const RequestCounts& counts, Reason reason) {
  return counts.refused[static_cast<std::size_t>(reason)];
}
inline std::uint64_t abandoned(const RequestCounts& counts, Reason reason) {
  return counts.abandoned[static_cast<std::size_t>(reason)];
}

/// Answers its first request when it is told to, the others at once.
inline auto late(std::promise<void>& goes_on, const char* first = "ok", const char* others = "ok") {
  return [&goes_on, first, others](net::PeerConnection& c, int) {
    c.head();
    goes_on.get_future().wait();
    c.answer(first);
    while (!c.head().empty()) c.answer(others);
  };
}

}  // namespace weir::gateway
