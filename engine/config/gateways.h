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
#include <utility>
#include <vector>

#include "config/guards.h"

namespace weir::config {

inline constexpr std::size_t most_gateways = 64;  ///< and as many upstreams

/// What each connection of a gateway's client, and of an upstream, has for itself. The kernel doubles socket buffers.
inline constexpr Bytes gateway_receive_buffer = 32_KiB, gateway_send_buffer = 64_KiB, gateway_max_header = 16_KiB,
                       gateway_read_buffer = 64_KiB;
inline constexpr Bytes upstream_socket_buffer = 64_KiB, upstream_buffer = 32_KiB;

/// What a route changes in a list of header fields: `remove`, then `set` (in place of all of that name), then `add`.
struct FieldEdits {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Pairs set, add;
  std::vector<std::string> remove;
  bool operator==(const FieldEdits&) const = default;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

/// Protocols that a client may switch to (101), and what such connections may take.
struct Upgrades {
  std::vector<std::string> allow;  ///< "websocket"; empty: none
  std::uint32_t most = 100;        ///< at the same time on the route
  Duration idle = std::chrono::minutes(5);
};

/// What a client reads instead of a refusal.
struct Degraded {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// A shared cache of answers to GET and HEAD (RFC 9111).
struct CacheConfig {
  Bytes max_bytes = 64_MiB;
  Bytes max_body = 1_MiB;          ///< a larger answer is not kept
  Duration stale_if_error{0};      ///< an answer this much too old stands in for an error
  Duration stale_while_open{0};    ///< ... while the upstream takes no requests
  std::uint32_t max_waiting = 64;  ///< requests that wait for the same answer
};

/// Who has a share of the waiting room of a route's upstream.
struct Fairness {
  async::ClientKey key;
  std::uint32_t tenants = 64;  ///< so many have one of their own; those beyond share
  /// By the text of their key, 1 to 1000; 1 for all others. Of a key of one part.
  std::vector<std::pair<std::string, std::uint32_t>> weights{};
};

struct GatewayRoute {
  std::string path;                  ///< "/orders": this one; "/orders/**": it and all below it; "/orders/{id}/lines"
  std::vector<std::string> methods;  ///< empty: all
  std::string host;                  ///< without its port, lower case; empty: all
  std::string to;                    ///< an upstream
  Duration deadline = std::chrono::seconds(30);
  std::string priority_header;  ///< the field that says it: critical, high, normal, low or batch; empty: none
  Priority priority = Priority::normal;
  FieldEdits::Pairs headers;    ///< each has to be there with this value, or "*": with any
  std::string deadline_header;  ///< a client may say less than `deadline` with it; empty: it may not
  std::string rewrite;          ///< the path that is sent on; "/v2/**": what lies below is kept; empty: as it came
  std::string send_host;        ///< instead of the client's Host
  FieldEdits request_edits, answer_edits;
  Upgrades upgrades;
  std::optional<Degraded> degraded;
  std::optional<CacheConfig> cache;
  Guards guards{.position = GuardPosition::door, .rates = {}};
  async::ClientKey client_key;       ///< what tells clients apart that come back when told; none: their connection
  std::optional<Fairness> fairness;  ///< `guards.fairness` where the route has no limit of its own
  bool matches_below() const { return path.ends_with("/**"); }
};

/// Where the access log of a gateway lies, and which share of the requests it tells.
struct AccessLogConfig {
  std::string path;
  double sample = 1;
};

/// Which fields tell an upstream who has asked.
enum class Forwarded : std::uint8_t { x_forwarded, standard, both, none };

struct Gateway {
  std::string name;
  std::string listen;
  std::size_t max_connections = 512;
  /// A client that has closed its sending half after its request: it has left, or it still reads.
  bool serve_half_closed = false;
  std::vector<GatewayRoute> routes;             ///< asked in this order
  std::string tls_certificate{}, tls_key{};     ///< empty: it speaks no TLS
  std::string tls_client_ca{};                  ///< whoever asks shows a certificate that one of these has signed
  std::vector<std::string> tls_client_names{};  ///< with one of these names
  std::vector<std::string> trusted_peers;       ///< networks (10.0.0.0/8) whose X-Forwarded-* fields are believed
  Forwarded forwarded = Forwarded::x_forwarded;
  std::optional<AccessLogConfig> access_log;
};

/// What is asked of each endpoint now and then, apart from all limits.
struct HealthConfig {
  std::string path;  ///< GET; 2xx is well
  Duration every = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(1);
  int unhealthy = 3, healthy = 1;  ///< so many in a row
};

struct UpstreamTls {
  std::string ca, certificate, key;  ///< PEM files; without `ca` the system's are trusted
  std::string server_name;           ///< empty: the host of each endpoint
};

/// The same request, sent to a second endpoint when the first one is slow.
struct Hedging {
  std::optional<Duration> after{};  ///< so long after the first; nothing: the 95th percentile of the route's answers
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
  std::optional<UpstreamTls> tls;
  std::optional<HealthConfig> health;
  std::optional<Hedging> hedging{};
};

/// What one of them declares (semantics C1).
Footprint footprint(const Gateway& gateway);
Footprint footprint(const Upstream& upstream);

}  // namespace weir::config
