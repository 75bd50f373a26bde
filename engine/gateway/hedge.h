#pragma once
/// The same request at a second endpoint, when the first one has not answered in time (hedge_delay.h): the answer that
/// begins first is taken, and the other request is given up.
///
///   begin      waits; then asks the upstream for a place, the retry budget and an endpoint (Upstream::try_hedge),
///              dials, sends the head, and waits for the head of an answer
///   decide     the first one has its head, or has failed: who is taken. A hedge under way is waited for only when the
///              first one has failed
///   give_back  of the one that is not taken: its place and its attempt, as no evidence when it was given up here, and
///              as a failure when it failed; the endpoint that was outrun is told so
///
/// Only for requests without a body that may be repeated, at most once for each, and only where the upstream hedges.
/// Interim answers come from the first one only, so that the client reads none twice.
///
/// Thread: the gateway's reactor. Cost: a coroutine and a timer for each request of an upstream that hedges. Memory:
/// that of a second connection. On cancel: Request::stop ends both; `decide` has to be called, and waits for the end.
#include <weir/async/signal.h>
#include <weir/base/context.h>

#include <functional>
#include <optional>
#include <string>

#include "gateway/request.h"

namespace weir::gateway {

class Hedge {
 public:
  /// `head`: what is sent to this endpoint. `first` stays where it is until `give_back`.
  Hedge(boost::asio::io_context& io, const Context& context, Request& request, Upstream::Line& first,
        std::function<std::string(std::size_t endpoint)> head)
      : io_(io), context_(context), request_(request), first_(first), head_(std::move(head)), wakes_(io), ended_(io) {}
  Hedge(const Hedge&) = delete;
  Hedge& operator=(const Hedge&) = delete;

  void begin(Duration after);
  /// True: the answer of the hedge is taken.
  boost::asio::awaitable<bool> decide(bool first_answered);
  /// Afterwards `line`, `permit` and `attempt` are those of the request that is taken.
  void give_back(Upstream::Line& line, Upstream::Permit& permit, Upstream::Attempt& attempt);

 private:
  boost::asio::awaitable<void> run(Duration after);
  boost::asio::awaitable<void> send();
  boost::asio::awaitable<bool> ask(net::ClientConnection& connection, const std::string& head);

  boost::asio::io_context& io_;
  const Context& context_;
  Request& request_;
  Upstream::Line& first_;
  std::function<std::string(std::size_t)> head_;
  async::Signal wakes_, ended_;
  std::optional<Upstream::Hedge> given_;  // while it has a place
  std::optional<Upstream::Line> line_;
  bool began_ = false, over_ = false, won_ = false;
};

}  // namespace weir::gateway
