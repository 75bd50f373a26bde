#include "gateway/route_guards.h"

#include <weir/async/text_caller.h>
#include <weir/async/waiter.h>

#include <boost/asio/this_coro.hpp>

#include "net/rate_limit_fields.h"
#include "net/requester.h"

namespace weir::gateway {

std::unique_ptr<RouteGuards> RouteGuards::of(const config::GatewayRoute& route, const std::string& gateway,
                                             const Context& context, const KeyHash& secret) {
  if (route.guards.empty() && !route.fairness) return nullptr;
  return std::make_unique<RouteGuards>(route, gateway, context, secret);
}

RouteGuards::RouteGuards(const config::GatewayRoute& route, const std::string& gateway, const Context& context,
                         const KeyHash& secret)
    : route_(route), context_(context), secret_(secret), guards_(route.guards, {"gateway", gateway}, context) {
  if (!route.fairness) return;
  for (const auto& [text, weight] : route.fairness->weights) {
    const async::TextCaller tenant(text);
    weights_[async::hash_of(route.fairness->key, &tenant, secret)] = weight;
  }
}

boost::asio::awaitable<Admitted<void>> RouteGuards::pass(Request& request, Priority priority) {
  const net::Requester asker(request.exchange);
  if (route_.fairness) {
    request.waiter.tenant = async::hash_of(route_.fairness->key, &asker, secret_);
    const auto weight = weights_.find(*request.waiter.tenant);
    if (weight != weights_.end()) request.waiter.weight = weight->second;
  }
  if (route_.guards.empty()) co_return Admitted<void>{};
  async::Waiter waiter(co_await boost::asio::this_coro::executor);
  const Load load{1, request.exchange.head().content_length.value_or(Bytes{})};
  quotas_.clear();
  const async::Arrival arrival{.priority = priority,
                               .load = load,
                               .deadline = request.deadline,
                               .caller = &asker,
                               .quotas = &quotas_,
                               .waiter = &waiter};
  auto permit = guards_.admit(arrival, [](const Rejection&) {});
  if (!permit) co_return std::unexpected(permit.error());
  request.guarded = std::move(*permit);
  if (!waiter.waits()) co_return Admitted<void>{};
  const async::Waiter::Gone stopped = [&request] { return request.stopped; };
  auto turn = co_await waiter.turn(context_, stopped);
  if (!turn) request.guarded.unused();
  co_return turn;
}

std::string RouteGuards::why(Reason reason) const {
  if (reason != Reason::rate_limited || quotas_.empty()) return guards_.why_refused(reason);
  return net::words_of(quotas_.back());
}

std::string RouteGuards::quota_fields(Reason reason) const {
  return reason == Reason::rate_limited ? net::rate_limit_fields(quotas_) : std::string();
}

void settle(async::Permit& guarded, const Ending& ending) {
  if (ending.kind != Ending::Kind::answered) return guarded.ignored();
  const bool overloaded = ending.status == 503 || ending.status == 429;
  overloaded ? guarded.failed() : guarded.ok();
}

}  // namespace weir::gateway
