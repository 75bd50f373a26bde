#include "intake.h"

#include <fmt/format.h>
#include <weir/flow/recover/later.h>

#include <algorithm>

#include "net/gzip.h"
#include "net/requester.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;

}  // namespace

/// Whom this source does not know, or does not take events from; what it does not understand; everybody once it stops.
std::optional<net::Response> HttpIntake::turn_away(const net::Exchange& exchange) {
  if (stopping_) {
    output_.refused(0, Reason::shutting_down);
    return refuse_at_door({Reason::shutting_down, until_stopped()});
  }
  const net::Head& head = exchange.head();
  const auto no = [&](const Rejection& rejection) {
    output_.refused(1, rejection.reason);
    return refuse(rejection, {});
  };
  if (options_.credentials.needed()) {
    if (const auto known = options_.credentials.let_in(exchange, output_.context().now()); !known) {
      auto response = no(known.error());
      if (known.error().reason == Reason::unauthorized) response.extra_headers = options_.credentials.challenge();
      return response;
    }
  }
  if (options_.checks_origin)
    if (const auto origin = head.header("Origin");
        !origin.empty() && std::ranges::find(options_.origins, origin) == options_.origins.end())
      return no({Reason::origin_refused, Duration{0}});
  return screen(head);
}

std::optional<net::Response> HttpIntake::screen(const net::Head& head) const {
  const auto no = [&](Reason reason, std::string_view why) { return refuse(Rejection{reason, Duration{0}}, why); };
  if (head.target != options_.path) return no(Reason::not_found, fmt::format("events go to POST {}", options_.path));
  if (head.method != "POST") {
    auto response = no(Reason::method_not_allowed, "use POST");
    response.extra_headers = "Allow: POST\r\n";
    return response;
  }
  if (head.unknown_encoding) return no(Reason::unsupported_encoding, "Content-Encoding may be gzip or absent");
  if (!options_.limits.text && !format_of(head.content_type))
    return no(Reason::unsupported_media_type, head.content_type);
  if (options_.json_type_only && !is_json_type(head.content_type))
    return no(Reason::unsupported_media_type, "state application/json or application/x-ndjson: content_type is json");
  if (head.content_length && *head.content_length > options_.max_body)
    return no(Reason::too_large,
              fmt::format("{} bytes, max_body is {}", head.content_length->count(), options_.max_body.count()));
  return std::nullopt;
}

Priority HttpIntake::door_priority(const net::Head& head) const {
  if (options_.priorities.from_header()) {
    const auto value = head.header(options_.priorities.header);
    return value.empty() ? options_.priorities.fallback : options_.priorities.of(value);
  }
  // A priority that stands in the body is known only after reading: the door lets it in as it would high work
  // (semantics D5).
  return options_.priorities.from_body() ? Priority::high : options_.priorities.fallback;
}

/// A client's priorities are told times of their own: high work may be let in while low work waits.
std::uint64_t HttpIntake::client_key(const net::Exchange& exchange, Priority priority) const {
  std::uint64_t key = exchange.connection();
  if (options_.client_key == "address")
    key = sip_hash(exchange.peer(), options_.secret).low;
  else if (options_.client_key != "connection")
    if (const auto value = exchange.head().header(options_.client_key); !value.empty())
      key = sip_hash(value, options_.secret).low;
  return key * priority_count + static_cast<std::uint64_t>(priority);
}

std::size_t HttpIntake::worst_case_bytes(const net::Head& head) const {
  if (head.content_length && !head.gzip) return head.content_length->count();
  return head.has_body() ? options_.max_body.count() : 0;
}

Bytes HttpIntake::reservation(const net::Head& head, std::size_t bytes) const {
  const std::size_t most_events = std::min<std::size_t>(bytes / 2 + 1, options_.limits.max_events);
  Bytes amount = output_.cost(bytes, most_events) + Receipt::charge;
  // Events of several priorities are copied apart while the body is still there.
  if (options_.priorities.from_body() || bytes <= small_body) amount += block_size(bytes, most_events, 1);
  if (head.gzip) amount += net::gzip_footprint;
  return amount;
}

/// By the size of the body where it is told; the rest is charged when the body is there.
Admitted<void> HttpIntake::pass_guards(const net::Exchange& exchange, const Visit& visit, Start& start,
                                       async::Waiter& waiter) {
  const net::Head& head = exchange.head();
  const net::Requester requester(exchange);
  auto permit = output_.pass_guards({.priority = visit.priority,
                                     .load = {1, head.gzip ? Bytes{} : head.content_length.value_or(Bytes{})},
                                     .deadline = flow::later(output_.context().now(), options_.ack_timeout),
                                     .caller = &requester,
                                     .quotas = &start.quotas,
                                     .waiter = &waiter});
  if (!permit) return std::unexpected(permit.error());
  start.permit = std::move(*permit);
  return {};
}

/// Unread, as all that waits at the door. A client that has closed its sending side still reads (RFC 9112 section 9.6):
/// it keeps its turn and is answered. One whose connection is reset, or whose request can never be whole, gives it up.
asio::awaitable<Admitted<void>> HttpIntake::wait_for_turn(net::Exchange& exchange, async::Waiter& waiter) {
  exchange.pause_timeouts(true);
  auto turn = co_await waiter.turn(output_.context(), [&]() -> std::optional<Reason> {
    if (stopping_) return Reason::shutting_down;
    return exchange.request_cut_off() ? std::optional(Reason::client_gone) : std::nullopt;
  });
  exchange.pause_timeouts(false);
  if (!turn && turn.error().reason == Reason::shutting_down) turn.error().retry_after = until_stopped();
  if (!turn && turn.error().reason == Reason::client_gone)
    co_return rejected(Reason::concurrency_limited, std::chrono::seconds(1));
  co_return turn;
}

Admitted<void> HttpIntake::pass_early_returns(const Visit& visit) {
  if (!output_.refuses_when_full()) return {};
  const auto early = early_returns_.arrive(visit.key, output_.context().now());
  if (!early) output_.refused(0, early.error().reason);
  return early;
}

bool HttpIntake::waits_at_door(const Admitted<Ticket>& asked, const Visit& visit) const {
  return !asked && (visit.held.wait > Duration{0} || !output_.refuses_when_full());
}

/// Whom the door has not let in at once: for a moment (flow/admit/brief_hold.h), or with `when_full: block` until there
/// is room. It stays unread, which costs its sender the window and us nothing.
asio::awaitable<Admitted<Ticket>> HttpIntake::wait_at_door(net::Exchange& exchange, Visit& visit, Rejection refusal) {
  exchange.pause_timeouts(true);
  Admitted<Ticket> ticket = std::unexpected(refusal);
  while (visit.held.wait > Duration{0}) {
    co_await room_.wait(visit.held.wait);
    ticket = output_.admit(visit.amount, visit.priority, &visit.held);
  }
  Duration waited{0};
  while (!ticket && !output_.refuses_when_full() && waited < options_.ack_timeout && !stopping_ &&
         !exchange.request_cut_off()) {
    const TimePoint before = output_.context().now();
    co_await room_.wait(std::min(look_again, options_.ack_timeout - waited));
    waited += output_.context().now() - before;
    ticket = output_.admit(visit.amount, visit.priority, nullptr);
  }
  exchange.pause_timeouts(false);
  co_return ticket;
}

}  // namespace weir::http
