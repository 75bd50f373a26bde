#pragma once
/// The guards of one route (docs/guards.md), asked before its upstream: rates, pressure, a limit of its own. And whose
/// share of the upstream's waiting room a request takes, where the route has `fairness`.
///
/// What they gave is held in Request::guarded: given back when the upstream has no place (`unused`), told the outcome
/// when the answer is over.
///
/// Thread: the gateway's reactor. Cost: that of its guards; a route without any has none of these. On cancel: a request
/// that is stopped while it waits for its turn leaves the line.
#include <weir/async/client_key.h>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/gateways.h"
#include "gateway/request.h"
#include "guards/door_guards.h"

namespace weir::gateway {

class RouteGuards {
 public:
  /// Nothing where the route has none. `secret`: one for all routes, since several may lead to one waiting room.
  static std::unique_ptr<RouteGuards> of(const config::GatewayRoute& route, const std::string& gateway,
                                         const Context& context, const KeyHash& secret);
  RouteGuards(const config::GatewayRoute& route, const std::string& gateway, const Context& context,
              const KeyHash& secret);

  /// The reactor that answers, for `pressure`; before it runs.
  void watch(net::Reactor& reactor) { guards_.watch({&reactor}); }
  boost::asio::awaitable<Admitted<void>> pass(Request& request, Priority priority);
  /// For the client that `pass` has refused, before anything else is waited for: a sentence, and the fields that tell
  /// it of its quotas (net/rate_limit_fields.h), where it was above a rate.
  std::string why(Reason reason) const;
  std::string quota_fields(Reason reason) const;
  /// For operators; empty: they hold nobody up.
  std::string holds_up() const { return guards_.holds_up(context_.now()); }
  std::vector<guards::GuardStatus> status() const { return guards_.status(); }

 private:
  const config::GatewayRoute& route_;
  const Context& context_;
  const KeyHash& secret_;
  guards::DoorGuards guards_;
  std::unordered_map<std::uint64_t, std::uint32_t> weights_;  // of tenants whose weight is not 1
  std::vector<async::Quota> quotas_;  // of who was asked about last; the last one is that of the rate that refused
};

/// What the guards learn of a request's end.
void settle(async::Permit& guarded, const Ending& ending);

}  // namespace weir::gateway
