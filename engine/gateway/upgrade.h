#pragma once
/// A connection that has switched to another protocol (101): what either side sends goes to the other one as it is,
/// each way by credit, until one of them ends.
///
/// A client that ends its half is passed on as that, and what the upstream still sends reaches it; when the upstream
/// has ended, so does the whole. It has no deadline but `idle`: nothing has moved either way for so long. It holds no
/// place at the upstream's limit, which counts work, but is bounded in number for each route.
///
/// Thread: the gateway's reactor. Memory: that of a request. On cancel: Request::stop.
#include <weir/async/signal.h>
#include <weir/base/context.h>

#include <boost/asio/awaitable.hpp>

#include "gateway/request.h"

namespace weir::gateway {

/// How many connections of a route have switched.
struct UpgradeSlots {
  std::uint32_t open = 0;
};

class Tunnel {
 public:
  Tunnel(boost::asio::io_context& io, const Context& context, Request& request, net::ClientConnection& connection)
      : io_(io), context_(context), request_(request), connection_(connection), over_(io) {}

  /// `fields`: of the answer 101.
  boost::asio::awaitable<void> run(std::string_view fields, Duration idle);

 private:
  boost::asio::awaitable<void> upward();
  void moved() { request_.moved_at = context_.now(); }

  boost::asio::io_context& io_;
  const Context& context_;
  Request& request_;
  net::ClientConnection& connection_;
  async::Signal over_;
};

}  // namespace weir::gateway
