#pragma once
/// What gateways and upstreams are doing, as plain data. It is taken on their reactor at one moment, so the ledger of
/// requests is exact in it:
///
///   in = answered{class of the status} + refused{reason} + abandoned{reason} + in flight
///
///   answered    the upstream's answer went to the client whole, whatever it says
///   refused     the gateway answered by itself: a limit, a deadline, no route, no valid answer from the upstream
///   abandoned   nobody was answered whole: the client left, or the upstream broke off in mid-answer
///
/// Thread: values. Cost: a copy of a few hundred bytes, five times a second.
#include <weir/base/reason.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/waiting_room.h>
#include <weir/flow/recover/destination.h>

#include <array>
#include <string>
#include <vector>

#include "gateway/cache.h"
#include "guards/guard_status.h"

namespace weir::gateway {

inline constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::client_gone) + 1;

struct RequestCounts {
  std::uint64_t in = 0;
  std::array<std::uint64_t, 6> answered{};  ///< by hundreds of the status: [2] is 200 to 299; [1]: switched (101)
  std::array<std::uint64_t, reason_count> refused{}, abandoned{};
  std::uint64_t degraded = 0;  ///< of the refused: who got the route's degraded answer
  std::uint64_t ended() const {
    std::uint64_t sum = 0;
    for (const auto n : answered) sum += n;
    for (const auto n : refused) sum += n;
    for (const auto n : abandoned) sum += n;
    return sum;
  }
};

struct RouteStatus {
  std::string path;
  std::vector<guards::GuardStatus> guards;
  std::string why;  ///< whom they refuse now, or let wait; empty: nobody
};

struct GatewayStatus {
  std::string name, address;
  RequestCounts requests;
  std::uint64_t in_flight = 0;  ///< counted from the requests themselves
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;  ///< at max_connections
  std::uint64_t switched = 0;             ///< connections that carry another protocol now
  std::uint64_t log_dropped = 0;          ///< lines that the access log could not write
  std::vector<RouteStatus> guarded;       ///< routes that have guards
  Cache::Stats cache{};                   ///< of all its routes
  std::uint64_t malformed = 0;            ///< in the head, and then not counted as a request, or in the body
  /// 0, or the ledger is wrong.
  std::int64_t difference() const { return static_cast<std::int64_t>(requests.in - requests.ended() - in_flight); }
};

struct EndpointStatus {
  std::string address;
  std::uint32_t in_flight = 0;
  std::uint64_t connections = 0, opened = 0, reused = 0, ejections = 0;
  bool unwell = false;     ///< its health check says so
  double level = 0;        ///< how full it says it is
  Duration mean{0};        ///< of the time to an answer, over the last 20 or so; 0: none was learned
  Duration left_alone{0};  ///< for so long yet
  std::string last_error;
};

/// Of requests whose answer had not come in time to spare a hedge: sent, or why not.
struct HedgeCounts {
  std::uint64_t sent = 0, won = 0;
  std::uint64_t no_place = 0;     ///< the limit was reached, or somebody waited
  std::uint64_t no_budget = 0;    ///< the retry budget was used up, or the breaker not closed
  std::uint64_t no_endpoint = 0;  ///< no other one takes requests now
};

struct UpstreamStatus {
  std::string name;
  flow::InFlightStats limit;
  flow::WaitingRoom::Stats room;
  flow::DestinationStats destination;
  std::uint64_t repeated = 0;  ///< sent once more, because a kept connection had gone
  HedgeCounts hedges;
  std::vector<EndpointStatus> endpoints;
  std::string why;  ///< what holds requests up now, as a sentence; empty: nothing
};

struct Status {
  std::vector<GatewayStatus> gateways;
  std::vector<UpstreamStatus> upstreams;
};

}  // namespace weir::gateway
