#pragma once
/// One request on its way through a gateway: what others may do to it meanwhile. `stop` is how a deadline, a client
/// that leaves and the end of the process reach it, wherever it waits; the coroutine that carries it then ends by
/// itself and says why.
///
/// Thread: the gateway's reactor. Cost: an Asio timer that is not started. On cancel: `stop`.
#include <weir/async/permit.h>
#include <weir/async/with_deadline.h>

#include <list>
#include <optional>
#include <string>

#include "gateway/upstream.h"
#include "net/http.h"

namespace weir::gateway {

class RouteGuards;

/// What is at an endpoint for a request, or on its way there.
struct Leg {
  async::Stop dial;
  net::ClientConnection* connection = nullptr;

  /// Of an upstream that stalls, closing would free the place and not the work: the next one would be stuck there too.
  void end(bool stalled) {
    dial.ask();
    if (!connection) return;
    const bool only_waits = connection->request_done() && !connection->has_begun();
    if (only_waits && stalled)
      connection->hand_over();
    else
      connection->abort();
  }
};

struct Request {
  Request(boost::asio::io_context& io, net::Exchange& x) : exchange(x), waiter(io) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  net::Exchange& exchange;
  const config::GatewayRoute* route = nullptr;
  Upstream* upstream = nullptr;
  RouteGuards* guards = nullptr;  ///< of its route; null: it has none
  async::Permit guarded;          ///< what they gave
  Upstream::Waiter waiter;
  Leg leg, hedge;              ///< hedge: of the same request at a second endpoint (hedge.h)
  TimePoint deadline = never;  ///< for the head of the answer
  std::optional<Reason> stopped;
  /// Of one that has switched protocols: when something has moved last, and for how long nothing may.
  TimePoint moved_at{};
  std::optional<Duration> idle_limit;
  // For the access log.
  std::string id;
  TimePoint began{}, answered_at = never;  ///< answered: the head of the answer has come
  int attempts = 0;
  std::optional<std::size_t> endpoint;
  std::uint64_t received = 0, sent = 0;  ///< bytes of bodies
  bool cached = false;                   ///< answered from a cache
  std::string_view hedged;               ///< "won": its hedge has answered; "lost": it was sent in vain
  int own_status = 0;                    ///< of what the gateway answers by itself

  void stop(Reason why) {
    if (stopped) return;
    stopped = why;
    if (upstream) upstream->leave(waiter, why);
    const bool stalled = upstream && why != Reason::shutdown && upstream->is_stalled();
    leg.end(stalled);
    hedge.end(stalled);
  }
};

/// How a request has ended: exactly one of the three.
struct Ending {
  enum class Kind : std::uint8_t { answered, refused, abandoned } kind = Kind::abandoned;
  int status = 0;                       ///< of an answer
  Reason reason = Reason::client_gone;  ///< of the others

  static Ending answered(int status) { return {Kind::answered, status, {}}; }
  static Ending refused(Reason reason) { return {Kind::refused, 0, reason}; }
  static Ending abandoned(Reason reason) { return {Kind::abandoned, 0, reason}; }
};

}  // namespace weir::gateway
