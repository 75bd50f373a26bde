#pragma once
/// The admin listener: /metrics, /health, /ready, /api/graph, /api/ledger, /api/pressure, /api/tap.
///
/// It has its own thread, footprint and listener and passes no guard, so it answers while everything else is overloaded
/// (semantics F8). It only reads: a FlowStatus is taken for each request. /api/tap shows events (tap.h), redacted:
/// everybody who can reach the listener can read them.
///
/// Thread: `open` and `stop` from the owner. Cost: idle, a sleeping thread. On cancel: `stop` closes its connections.
#include <weir/base/context.h>

#include <functional>
#include <memory>
#include <string>

#include "net/http_server.h"
#include "net/reactor.h"
#include "pipeline/report/status.h"
#include "pipeline/report/tap.h"

namespace weir::observe {

class Admin {
 public:
  using Snapshot = std::function<pipeline::FlowStatus()>;
  /// Without `taps` there is no /api/tap; they have to outlive the listener.
  Admin(const std::string& listen, const Context& context, Snapshot snapshot, pipeline::TapBoard* taps = nullptr);
  ~Admin();

  /// Binds; the address people can use.
  Result<std::string> open();
  void stop();
  /// From now on /ready answers 503: a stop has begun.
  void not_ready() { ready_ = false; }

 private:
  boost::asio::awaitable<void> handle(net::Exchange& exchange);
  net::Response respond_to(std::string_view path, std::string_view query);

  net::ServerConfig config_;
  const Context& context_;
  Snapshot snapshot_;
  pipeline::TapBoard* taps_;
  net::Reactor reactor_{"admin"};
  std::unique_ptr<net::HttpServer> server_;
  std::atomic<bool> ready_{true};
};

}  // namespace weir::observe
