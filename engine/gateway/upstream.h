#pragma once
/// What requests are passed on to: endpoints that do the same work, with one limit on what is in flight at all of them,
/// a room before it in which requests wait for a bounded time, a breaker, and a pool of connections to each endpoint.
///
///   enter     waits for a place: a Permit, or why there is none (concurrency_limited, priority_shed,
///             destination_stalled, deadline_exceeded, client_gone)
///   start     asks the breaker and, for a retry, the budget: an Attempt, or breaker_open, retry_budget_empty
///   connect   a connection to the endpoint with the least in flight
///   try_hedge the same request at another endpoint: only into room that nobody waits for, and from the retry budget
///
/// The limit and the room are the library's values; why async/concurrency_guard wires them apart: decision 0029.
///
/// The place is held until the last byte of the answer; what the limit is told is the time to its head (semantics E5).
///
/// Thread: one reactor. Cost: in_flight.h, waiting_room.h, destination.h. On cancel: `leave` ends the waiting of one
/// request; permits and connections must be given back before it is destroyed (checked).
#include <weir/async/signal.h>
#include <weir/async/with_deadline.h>
#include <weir/base/context.h>
#include <weir/flow/admit/any_limit.h>
#include <weir/flow/admit/in_flight.h>
#include <weir/flow/admit/returners.h>
#include <weir/flow/admit/tenant_shares.h>
#include <weir/flow/admit/waiting_room.h>
#include <weir/flow/recover/destination.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "config/gateways.h"
#include "gateway/endpoints.h"
#include "gateway/health.h"
#include "gateway/status.h"
#include "net/client_pool.h"

namespace weir::gateway {

/// The connections to one endpoint; what they take is declared by config::footprint.
net::PoolConfig pool_config(const config::Upstream& upstream, const std::string& endpoint,
                            std::optional<net::TlsContext> tls = {});

class Upstream {
 public:
  using Permit = flow::InFlight<flow::AnyLimit>::Permit;
  using Attempt = flow::Destination::Attempt;

  /// One request that wants to be passed on.
  struct Waiter {
    explicit Waiter(boost::asio::io_context& io) : decided(io) {}
    async::Signal decided;
    std::optional<flow::WaitingRoom::Handle> place;  // while it waits
    std::optional<Permit> permit;
    std::optional<std::uint64_t> tenant;  // whose share of the room it takes: a hash
    std::uint32_t weight = 1;             // of its tenant
    std::uint64_t client = 0;             // who it is that may come back
    bool returns = false;                 // it was told to come now
    Priority priority = Priority::normal;
    Rejection refused{};
  };
  /// A connection with a request on it. Given back by `done`.
  struct Line {
    std::size_t endpoint = 0;
    std::unique_ptr<net::ClientConnection> connection;
    bool kept = false;  ///< it has carried a request before
  };

  Upstream(boost::asio::io_context& io, const config::Upstream& config, const Context& context);
  /// Reads the files of TLS, and makes its connections' pools; before anything else.
  Result<void> open();
  /// Reads them again; nothing: it has none.
  std::optional<Result<void>> reload() const;
  /// Health checks begin; they end with `close`, and then `is_over` says when.
  void watch();
  bool is_over() const { return late_.empty() && (!health_ || health_->is_over()); }

  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  /// A place that is free, if nobody waits for it.
  std::optional<Permit> enter_at_once(Waiter& waiter);
  boost::asio::awaitable<Admitted<Permit>> enter(Waiter& waiter, Priority priority, TimePoint deadline);
  /// It waits no longer.
  void leave(Waiter& waiter, Reason why);
  /// Outcomes of a permit: the next ones start where a place is free.
  void answered(Permit& permit);
  void failed(Permit& permit);
  void ignored(Permit& permit);
  /// For a retry: a place above the limit if need be, because its first one was given back a moment ago.
  Permit start_again() { return in_flight_.start(context_.now()); }

  Admitted<Attempt> start(flow::Destination::Try which) { return destination_.try_start(which, context_.now()); }
  /// What a request at a second endpoint needs. `first`: where the first one is.
  struct Hedge {
    Permit permit;
    Attempt attempt;
  };
  std::optional<Hedge> try_hedge(std::size_t first);
  void count_hedge_won() { ++hedges_.won; }
  /// `fresh`: one that was never used. `avoid`: the endpoint that has just failed, or where the first request is.
  /// `most`: what is left of the request's deadline; who is stopped then was not given up. `stop`: nobody waits for it
  /// any more.
  boost::asio::awaitable<Result<Line>> connect(bool fresh, bool surely, std::size_t avoid, Duration most,
                                               async::Stop& stop);
  void done(Line line, Endpoints::End end, std::string_view error = {});
  /// Nothing comes back from it any more, although as many are there as may be (waiting_room.h).
  bool is_stalled() const { return room_ && room_->stalled(in_flight_.reached_since(), context_.now()); }
  /// For a request that nobody waits for any more, while the upstream is stalled: its place stays taken until the
  /// answer comes, which is thrown away, or `late_patience` is over. So a stall costs as many wasted requests as there
  /// are places, and the first answer tells that it is over.
  void await_late(Line line, Permit permit, Attempt attempt);
  /// An endpoint said when to come back.
  void refused(std::size_t endpoint, Duration retry_after) {
    endpoints_.refused(endpoint, retry_after, context_.now());
  }
  /// What an answer says of its endpoint: Weir-Pressure.
  void reported(std::size_t endpoint, double level) { endpoints_.reported(endpoint, level, context_.now()); }
  /// So long it took to begin an answer.
  void took(std::size_t endpoint, Duration time) { endpoints_.took(endpoint, time, context_.now()); }
  /// Its request goes on as another protocol.
  void switched(std::size_t endpoint) { endpoints_.proved(endpoint); }
  void count_repeated() { ++repeated_; }

  const config::Upstream& config() const { return config_; }
  /// Every few ms: who has waited too long is refused.
  void expire();
  /// About every second.
  void sweep();
  void close();
  UpstreamStatus status() const;

 private:
  struct Late {
    net::ClientConnection* connection;
    TimePoint since;
  };
  boost::asio::awaitable<void> receive_late(Line line, Permit permit, Attempt attempt);
  void end_late(Line line, Permit& permit, Attempt& attempt, bool answered);
  void leave_late();

  void learned(std::size_t endpoint, bool well, std::string_view why);
  void call_next();
  void tell();
  void note_hedges();
  void decide(Waiter& waiter, std::optional<Reason> refused);
  void settled(TimePoint started);
  std::string why() const;
  boost::asio::awaitable<Admitted<Permit>> wait(Waiter& waiter, TimePoint deadline);
  std::uint32_t share_of(const Waiter& waiter);
  Rejection refusal(const Waiter& waiter, Reason reason);

  const config::Upstream config_;
  const Context& context_;
  flow::InFlight<flow::AnyLimit> in_flight_;
  std::optional<flow::WaitingRoom> room_;
  std::optional<flow::TenantShares> tenants_;
  std::optional<flow::Returners> returners_;  // where there is a room
  flow::ReturnTimes returns_;                 // where there is none
  bool wanted_ = false;                       // without a room: somebody was refused since the last start
  flow::Destination destination_;
  Endpoints endpoints_;
  boost::asio::io_context& io_;
  std::optional<net::TlsContext> tls_;
  std::vector<std::unique_ptr<net::ClientPool>> pools_;
  std::unique_ptr<HealthChecks> health_;
  std::vector<std::string> last_errors_;
  std::list<Late> late_;
  std::uint64_t repeated_ = 0;
  HedgeCounts hedges_, noted_hedges_;
  std::string hedging_;  // what there was of it lately, as a sentence
  flow::BreakerState told_breaker_ = flow::BreakerState::closed;
  std::vector<std::uint64_t> told_ejections_;
};

}  // namespace weir::gateway
