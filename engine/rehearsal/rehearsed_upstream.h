#pragma once
/// The endpoints of a rehearsed gateway: each listens on a port of its own on loopback, does with requests what it is
/// told, and keeps what it was sent last. One that refuses does not listen, and its port stays its own meanwhile.
///
/// An answer that is due at a later moment of the given time is held until `release`.
///
/// Thread: `held`, `sent` any; the others as said. Cost: a socket each. Bound: 1 MiB of a body. On cancel: `close`.
#include <weir/async/signal.h>
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/request_tests.h"
#include "net/held_port.h"
#include "net/http_server.h"

namespace weir::pipeline {

struct SentRequest {
  std::size_t endpoint = 0;
  std::string method, path, fields, body;
};

class RehearsedUpstream {
 public:
  /// `given`: the time of the rehearsal; `context`: that of the machine, for the sockets.
  RehearsedUpstream(boost::asio::io_context& io, const Context& context, const Clock& given)
      : io_(io), context_(context), given_(given) {}
  RehearsedUpstream(const RehearsedUpstream&) = delete;
  RehearsedUpstream& operator=(const RehearsedUpstream&) = delete;

  /// Before the reactor runs: one more; its address.
  Result<std::string> add();
  /// On the reactor: from here on; nothing was sent yet.
  Result<void> play(const std::vector<config::UpstreamScript>& scripts);
  /// On the reactor: all that is due by now is answered.
  void release();
  void close();
  /// When the next answer is due; `never`: nothing is held. One that hangs is held for ever.
  struct Held {
    std::size_t count = 0;
    TimePoint next = never;
  };
  Held held() const;
  /// The last request, of any endpoint.
  std::optional<SentRequest> sent() const;

 private:
  struct Waiting {
    async::Signal due_now;
    TimePoint due;
  };
  struct One {
    net::HeldPort port;
    std::unique_ptr<net::HttpServer> server;
    config::UpstreamScript script;
  };
  Result<void> listen(std::size_t endpoint);
  boost::asio::awaitable<void> handle(std::size_t endpoint, net::Exchange& exchange);
  boost::asio::awaitable<void> keep(std::size_t endpoint, net::Exchange& exchange);
  boost::asio::awaitable<bool> hold(TimePoint due);

  boost::asio::io_context& io_;
  const Context& context_;
  const Clock& given_;
  std::vector<std::unique_ptr<One>> all_;
  mutable std::mutex mutex_;  // of what follows
  std::list<Waiting*> held_;
  std::optional<SentRequest> sent_;
};

}  // namespace weir::pipeline
