#pragma once
/// Passes one request on to an upstream and its answer back, both as streams: a slow reader slows the upstream, a slow
/// upstream the client, and no body is ever whole in memory.
///
///   the upstream ...                          the client reads
///   takes no connection                       503 upstream_unreachable
///   closes, or says what is no answer         502 upstream_failed
///   says nothing until the deadline           504 deadline_exceeded
///   breaks off in mid-answer                  a broken end: never a foreign byte, never a whole end
///   answers before the request is read whole  that answer
///   sends interim answers                     those but 100, which the gateway says itself when it begins to read
///   switches protocols (101)                  the same where the route allows it (upgrade.h), else 502
///
/// A cache that the route has is asked first for what stands in for an answer (cache_turn.h).
/// Where its upstream hedges, a request that has no answer in time is sent to a second endpoint too (hedge.h).
/// Instead of a refusal for want of an upstream, GET and HEAD get the route's degraded answer, where it has one.
///
/// The deadline is one for the head of the answer, from the end of the request on. Bodies have none but that each 4 KiB
/// of them move within 30 s.
///
/// A request is sent once more, and nobody is told, when a kept connection had gone before a byte of an answer came,
/// and its method is idempotent or nothing of it was sent; and as a retry, within `attempts` and the budget, when no
/// connection was made, or for an idempotent method when the connection broke before an answer. Never when a byte of a
/// body was taken from the client: it is not there any more. (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1)
///
/// Thread: the gateway's reactor. Cost: two system calls, and those of the exchange. Memory:
/// config::upstream_buffer and what the kernel holds. On cancel: Request::stop.
#include <weir/base/context.h>
#include <weir/flow/recover/hedge_delay.h>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

#include "gateway/cache_turn.h"
#include "gateway/forwarded.h"
#include "gateway/request.h"
#include "gateway/upgrade.h"

namespace weir::gateway {

class Proxy {
 public:
  /// `slots`: the switched connections of the route.
  Proxy(boost::asio::io_context& io, const Context& context, Request& request, const config::GatewayRoute& route,
        const Origin& origin, UpgradeSlots& slots)
      : io_(io),
        context_(context),
        request_(request),
        exchange_(request.exchange),
        upstream_(*request.upstream),
        route_(route),
        origin_(origin),
        slots_(slots),
        patience_(route.deadline) {}
  /// The cache looks at the answer first. It outlives the proxy.
  void use(CacheTurn& turn) { turn_ = &turn; }
  /// How long answers of the route take, and when to hedge therefore. It outlives the proxy.
  void hedge(flow::HedgeDelay& delay) { delay_ = &delay; }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  boost::asio::awaitable<Ending> run();

 private:
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;
  /// What came of one attempt.
  struct Outcome {
    enum class Kind : std::uint8_t {
      ended,        ///< the client has its answer, or has gone
      unreachable,  ///< no connection: nothing was sent
      gone,         ///< a kept connection had gone, and the request may be sent once more
      broken,       ///< no answer, or none that is one
    } kind = Kind::ended;
    Ending ending{};
    std::string why{};
    std::size_t endpoint = ~std::size_t{0};
  };
  struct Upload;

  bool write_head();
  awaitable<Ending> attempts(Upstream::Permit& permit);
  awaitable<Outcome> attempt(Upstream::Permit& permit, bool fresh, std::size_t avoid);
  awaitable<Outcome> converse(Upstream::Line& line, Upstream::Permit& permit);
  awaitable<bool> head_of_answer(net::ClientConnection& connection);
  awaitable<bool> head_of_either(Upstream::Line& line, Upstream::Permit& permit);
  bool may_hedge() const;
  awaitable<Ending> relay(net::ClientConnection& connection, bool close);
  awaitable<bool> relay_body(net::ClientConnection& connection);
  awaitable<void> send_body(net::ClientConnection& connection, Upload& upload);
  awaitable<void> begin_upload(net::ClientConnection& connection, Upload& upload);
  awaitable<void> end_upload(net::ClientConnection& connection, Upload& upload);
  awaitable<Outcome> no_answer(const Upstream::Line& line, const Upload& upload);
  void settle(Upstream::Permit& permit, Upstream::Attempt& attempt, const Outcome& outcome);
  bool may_try_again(const Outcome& outcome) const;
  awaitable<Ending> refuse(Rejection rejection, std::string_view sentence = {});
  awaitable<Ending> carry(Upstream::Line& line, Upstream::Permit& permit);
  std::string head_to_send(std::size_t endpoint) const;
  void learn_pressure(const Upstream::Line& line);
  bool may_stand_in(Reason reason) const;
  Priority priority() const;

  boost::asio::io_context& io_;
  const Context& context_;
  Request& request_;
  net::Exchange& exchange_;
  Upstream& upstream_;
  const config::GatewayRoute& route_;
  const Origin origin_;
  UpgradeSlots& slots_;
  Duration patience_;         // for the head of the answer: the route's, or what the client says
  std::string_view upgrade_;  // the protocol that it may switch to
  Upstream::Attempt* trying_ = nullptr;
  CacheTurn* turn_ = nullptr;
  flow::HedgeDelay* delay_ = nullptr;   // null: nothing is hedged
  int upstream_status_ = 0;             // what it has answered, whatever the client reads
  std::string head_;                    // of the request, as it goes to the upstream
  std::optional<Upstream::Line> late_;  // nobody waits for its answer any more, and it is worth to wait for it
  bool body_taken_ = false;             // a byte of it has been taken from the client
  bool answering_ = false;              // the head of an answer has come
  std::optional<Duration> told_later_;  // the upstream refused, and said when to come back
};

}  // namespace weir::gateway
