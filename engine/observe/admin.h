#pragma once
/// The admin listener: the dashboard at /, /metrics, /health, /ready, /api/graph, /api/ledger, /api/pressure,
/// /api/alerts, /api/history, /api/live, /api/tap.
///
/// It has its own thread, footprint and listener and passes no guard, so it answers while everything else is overloaded
/// (semantics F8): the oldest unfinished connection makes room for a new one, first of the same address above 8 of it,
/// and descriptors are kept in reserve. It is opened before the flow starts: /health says from the first moment that
/// the process lives, and /ready at once what it waits for ("starting: opening journal ingest"); 200 only while the
/// flow runs. It only reads: a FlowStatus is taken for each of the others. /api/tap shows events (tap.h), redacted: who
/// can reach the listener can read them. So that no web page can (DNS rebinding), it answers only to addresses and to
/// the names it is given (host_names.h). Where it is given tokens or users, only they are answered (credentials.h), all
/// others 401 with a body that says no more, and who guesses 429 (guess_limit.h); /health and the files of the
/// dashboard, which say nothing of the flow, are for everybody. /api/live (live.h) is refused to pages of other sites,
/// which could read nothing of it but hold the places of those who may. With a certificate of its own it speaks TLS and
/// nothing else, and may ask for one of whoever comes.
///
/// Thread: `open`, `take_logins`, `read_certificate_again` and `stop` from the owner. Cost: idle, a sleeping thread. On
/// cancel: `stop` closes its connections.
#include <weir/base/context.h>

#include <functional>
#include <memory>
#include <string>

#include "config/config.h"
#include "gateway/status.h"
#include "net/credentials.h"
#include "net/http_server.h"
#include "net/reactor.h"
#include "observe/host_names.h"
#include "observe/live.h"
#include "observe/metrics.h"
#include "pipeline/report/status.h"
#include "pipeline/report/tap.h"

namespace weir::observe {

class Admin {
 public:
  /// What it asks the flow, on its own thread: neither may wait for a part of the flow.
  struct Asks {
    std::function<pipeline::FlowStatus()> snapshot;
    std::function<std::string()> why_not_ready;   ///< empty: it is ready
    std::function<gateway::Status()> requests{};  ///< of gateways, where there are any
    std::function<AlertState()> alerts{};
    /// The last hour of a part ("sink/db"); empty: there is none such.
    std::function<std::string(std::string_view part)> history{};
  };
  /// Without `taps` there is no /api/tap; they have to outlive the listener.
  Admin(const config::Admin& admin, const Context& context, Asks asks, pipeline::TapBoard* taps = nullptr);
  ~Admin();

  /// Other tokens and passwords than before, from the next request on.
  void take_logins(const Logins& logins) {
    credentials_.replace(logins);
    live_.turn_out();
  }
  /// Its certificate and those it believes, as the files are now; an error, and it keeps what it has.
  Result<void> read_certificate_again() const;
  bool speaks_tls() const { return config_.tls.has_value(); }
  /// Binds; the address people can use.
  Result<std::string> open();
  void stop();

 private:
  boost::asio::awaitable<void> handle(net::Exchange& exchange);
  net::Response readiness_alone() const;
  std::optional<net::Response> not_answered(const net::Exchange& exchange);
  net::Response turned_away(const Rejection& rejection);
  std::string graph() const;
  net::Response history(std::string_view query) const;
  net::Response respond_to(std::string_view path, std::string_view query);

  const config::Admin admin_;
  net::ServerConfig config_;
  const Context& context_;
  Asks asks_;
  pipeline::TapBoard* taps_;
  HostNames hosts_;
  net::Credentials credentials_;
  net::Reactor reactor_{"admin"};
  Live live_;
  std::unique_ptr<net::HttpServer> server_;
  AdminRefusals refusals_;  // its reactor's
};

}  // namespace weir::observe
