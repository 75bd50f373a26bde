#pragma once
/// What the file says of gateways and of the upstreams behind them: plain data, validated.
///
/// A gateway listens and passes requests on by its routes; an upstream is what they are passed to: endpoints that do
/// the same work, one limit on what is in flight at all of them, a waiting room before it, a breaker.
///
/// Thread: values. Cost: start only.
#include <weir/base/units.h>
#include <weir/flow/demand/budget.h>
#include <weir/flow/recover/destination_config.h>

#include <optional>
#include <string>
#include <vector>

#include "config/guards.h"

namespace weir::config {

/// What each connection of a gateway's client, and of an upstream, has for itself. The kernel doubles socket buffers.
inline constexpr Bytes gateway_receive_buffer = 32_KiB, gateway_send_buffer = 64_KiB, gateway_max_header = 16_KiB,
                       gateway_read_buffer = 64_KiB;
inline constexpr Bytes upstream_socket_buffer = 64_KiB, upstream_buffer = 32_KiB;

/// Who has a share of the waiting room of a route's upstream.
struct Fairness {
  async::ClientKey key;
  std::uint32_t tenants = 64;  ///< so many have one of their own; those beyond share
};

struct GatewayRoute {
  std::string path;                  ///< "/orders": this one; "/orders/**": it and all below it
  std::vector<std::string> methods;  ///< empty: all
  std::string host;                  ///< without its port, lower case; empty: all
  std::string to;                    ///< an upstream
  Duration deadline = std::chrono::seconds(30);
  std::string priority_header;  ///< the field that says it: critical, high, normal, low or batch; empty: none
  Priority priority = Priority::normal;
  Guards guards{.place = GuardedPlace::door, .rates = {}};
  std::optional<Fairness> fairness;  ///< `guards.fairness` where the route has no limit of its own
  bool matches_below() const { return path.ends_with("/**"); }
};

struct Gateway {
  std::string name;
  std::string listen;
  std::size_t max_connections = 512;
  /// A client that has closed its sending half after its request: it has left, or it still reads.
  bool serve_half_closed = false;
  std::vector<GatewayRoute> routes;  ///< asked in this order
};

struct Upstream {
  std::string name;
  std::vector<std::string> endpoints;
  std::optional<std::uint32_t> concurrency;            ///< nothing: adaptive
  std::size_t max_connections = 256;                   ///< in flight at most, whatever the limit finds
  Duration max_wait = std::chrono::milliseconds(100);  ///< 0: nobody waits
  std::uint32_t max_waiting = 1024;
  std::uint32_t tenants = 0;  ///< the most that one of its routes tells apart; 0: all who wait are one
  int attempts = 1;           ///< the first one included
  Duration connect_timeout = std::chrono::seconds(1);
  flow::DestinationConfig destination;
};

/// What one of them declares (semantics C1).
Footprint footprint(const Gateway& gateway);
Footprint footprint(const Upstream& upstream);

}  // namespace weir::config
