#pragma once
/// All gateways and upstreams of a process, on one reactor: they listen, pass requests on, keep the ledger of requests,
/// and stop in order.
///
/// One keeper looks at all requests every few milliseconds: whose deadline has passed, whose client has left, who has
/// waited too long. So no request has a timer of its own, and each of these is late by at most 20 ms.
///
/// Stopping: the door refuses with shutting_down, idle connections are closed, requests under way go on until the
/// deadline, then they are given up, counted. What is refused then is told to come back when the drain ends.
///
/// Thread: `open`, `start`, `stop` from one owner; `on_hangup` and `status` any: it waits for at most 100 ms for the
/// reactor, and then says what was so at most 200 ms before. Cost: one thread; 200 wake-ups a second while requests are
/// under way, 5 when there are none. On cancel: `stop`.
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "config/config.h"
#include "gateway/access_log.h"
#include "gateway/proxy.h"
#include "gateway/route_guards.h"
#include "gateway/routes.h"
#include "gateway/status.h"
#include "net/http_server.h"
#include "net/reactor.h"

namespace weir::gateway {

/// How a gateway listens; what a connection of it takes is declared by config::footprint.
net::ServerConfig server_config(const config::Gateway& gateway);

class Gateways {
 public:
  Gateways(const config::Config& config, const Context& context);
  Gateways(const Gateways&) = delete;
  Gateways& operator=(const Gateways&) = delete;
  ~Gateways();

  /// Binds all listeners; the error names the gateway.
  Result<void> open();
  void start();
  /// At most about `deadline` and 14 s more; `hurry` (polled) ends the waiting until the deadline early. How many
  /// requests were given up.
  std::uint64_t stop(Duration deadline, const std::function<bool()>& hurry = {});
  Status status() const;

  /// For rehearsals, before `start`: called on the reactor for each request that has ended.
  void tell(std::function<void(const AccessLine&)> told) { told_ = std::move(told); }
  /// For rehearsals, whose time is given: does what the keeper does now and then, and lets everything happen that
  /// follows from it alone. How many requests are still under way.
  std::size_t look_now();

  struct Said {
    bool went_well;
    std::string text;
  };
  /// Reads certificates again and opens access logs anew: of all, or of "gateway NAME" or "upstream NAME".
  std::vector<Said> on_hangup(std::string_view only = {}) const;

 private:
  struct Listener {
    Listener(const config::Gateway& c, std::uint64_t n)
        : config(c), number(n), routes(c.routes), trusted(c.trusted_peers), switched(c.routes.size()) {
      for (const auto& route : c.routes)
        caches.push_back(route.cache ? std::make_unique<Cache>(*route.cache) : nullptr);
    }
    const config::Gateway config;
    const std::uint64_t number;
    const Routes routes;
    const Networks trusted;
    std::optional<net::TlsContext> tls;
    std::unique_ptr<AccessLog> log;
    std::vector<UpgradeSlots> switched;                // of each route
    std::vector<flow::HedgeDelay> hedging;             // of each route
    std::vector<Upstream*> upstreams;                  // of each route
    std::vector<std::unique_ptr<RouteGuards>> guards;  // of each route
    std::vector<std::unique_ptr<Cache>> caches;        // of each route; null: it has none
    std::unique_ptr<net::HttpServer> server;
    std::string address;
    RequestCounts counts;
    std::list<Request*> under_way;
    std::uint64_t told_refused = 0;  // connections, in the log
    std::uint64_t told_dropped = 0;  // lines of the access log
  };
  boost::asio::awaitable<void> handle(Listener& listener, net::Exchange& exchange);
  boost::asio::awaitable<Ending> serve(Listener& listener, Request& request);
  boost::asio::awaitable<Ending> pass_on(Listener& listener, Request& request, std::size_t route);
  std::uint64_t client_of(const Listener& listener, const Request& request) const;
  boost::asio::awaitable<Ending> refuse_route(Listener& listener, Request& request, Rejection why);
  boost::asio::awaitable<void> keep();
  void look(TimePoint now);
  void look_at(Listener& listener, Request& request, TimePoint now, Duration passed);
  Result<void> open(Listener& listener);
  static void tell_refused(Listener& listener);
  static void tell_dropped(Listener& listener);
  void write_down(Listener& listener, const Request& request, const Ending& ending, bool log) const;
  static std::uint64_t switched(const Listener& listener);
  static Cache::Stats cache_stats(const Listener& listener);
  static std::uint64_t lost_lines(const Listener& listener);
  static std::vector<RouteStatus> guarded_routes(const Listener& listener);
  void publish() const;
  void give_up_all();
  void leave_behind();
  bool is_empty() const;
  template <typename F>
  auto on_reactor(F f) const;
  Upstream& upstream(const std::string& name) const;

  const Context& context_;
  const KeyHash secret_;
  std::function<void(const AccessLine&)> told_;
  mutable net::Reactor reactor_{"gateway"};
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  boost::asio::steady_timer timer_;
  TimePoint last_look_{}, last_sweep_{}, last_publish_{};
  TimePoint drained_at_ = never;  // while draining: when that ends
  bool over_ = false, asleep_ = false;
  std::atomic<bool> runs_{false};
  mutable std::mutex published_mutex_;
  mutable std::condition_variable published_anew_;
  mutable Status published_;
  mutable std::uint64_t published_times_ = 0;
};

template <typename F>
auto Gateways::on_reactor(F f) const {
  std::packaged_task<decltype(f())()> task(std::move(f));
  auto result = task.get_future();
  boost::asio::post(reactor_.io(), [&task] { task(); });
  return result.get();
}

}  // namespace weir::gateway
