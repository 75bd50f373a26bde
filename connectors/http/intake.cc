#include "intake.h"

#include <fmt/format.h>
#include <weir/component/push_events.h>

#include <algorithm>

#include "net/gzip.h"
#include "net/problem.h"
#include "net/requester.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;

constexpr Bytes read_credit = 64_KiB;

}  // namespace

struct HttpIntake::Unit {
  Priority priority;
  BlockWriter body;
  Ticket ticket;
  SourceOutput& output;
  Start& start;                            // what its guards gave; told what it brought, as the door is
  std::shared_ptr<const Origin> origin{};  // its peer, where an expression reads it
  std::uint64_t events = 0;                // the number of its events: the door is told once, however the request ends
  Unit(Priority c, std::size_t bytes, Ticket t, SourceOutput& o, Start& s)
      : priority(c), body(bytes), ticket(std::move(t)), output(o), start(s) {}
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;
  ~Unit() { tell_door(); }
  /// It comes to nothing: before its answer, so that its client may come back at once.
  void give_up() {
    tell_door();
    start.permit.ignored();
  }
  /// It is refused after its events were read, and nothing of it is kept: its guards get back what they gave.
  void give_back() {
    if (!std::exchange(told_, true)) output.brought(events);
    start.permit.unused();
  }
  void tell_door() {
    if (std::exchange(told_, true)) return;
    output.brought(events);
    start.permit.brought({events, Bytes(body.data().size())});
  }

 private:
  bool told_ = false;
};

namespace {

/// What a limit on requests under way makes of it: whatever the answer says, its time tells how busy the flow is.
async::Outcome outcome_of(const Tally& tally) {
  if (tally.worst() != Fate::abandoned) return async::Outcome::ok;
  return tally.reason == Reason::ack_timeout ? async::Outcome::failed : async::Outcome::ignored;
}

std::shared_ptr<const Origin> origin_of(const net::Exchange& exchange) {
  Origin origin;
  origin.peer = origin_text(exchange.peer());
  return std::make_shared<const Origin>(std::move(origin));
}

/// Where the end need not be asked for: it was told, and nothing had to be undone.
bool is_whole(const net::Head& head, std::size_t bytes) {
  return !head.gzip && head.content_length && head.content_length->count() == bytes;
}

net::ServerConfig server_config(const HttpOptions& options, SourceOutput& output) {
  net::ServerConfig config = options.server;
  config.on_unknown_client = [&output] { output.refused(1, Reason::unauthorized); };
  return config;
}

}  // namespace

HttpIntake::HttpIntake(const IntakeSetup& setup, const HttpOptions& options)
    : options_(options),
      reactor_(setup.reactor),
      output_(setup.output),
      early_returns_(options.early_returns()),
      level_(options.pressure_header ? dynamic_cast<const ReportsLevel*>(&setup.output) : nullptr),
      parser_(options.limits, options_.priorities, options.keep_malformed),
      answers_(setup.reactor),
      room_(setup.reactor),
      server_(setup.reactor, server_config(options, setup.output), setup.output.context(),
              [this](net::Exchange& x) { return handle(x); }) {
  output_.on_room = [this] { room_.wake_all(); };
  // Listens from here on: a client that connects as soon as the flow is ready waits a moment and is not refused.
  const auto address = server_.open();
  WEIR_CHECK(address.has_value());  // its source holds the port
  address_ = *address;
}

void HttpIntake::start() { server_.start(); }

void HttpIntake::stop(Duration retry_after) {
  stopping_ = output_.context().now() + retry_after;
  server_.drain();
  room_.wake_all();
}

/// Whoever is refused because of a stop comes back when it must be over.
Duration HttpIntake::until_stopped() const {
  return std::max(Duration(std::chrono::seconds(1)), *stopping_ - output_.context().now());
}

void HttpIntake::abandon() {
  abandoned_ = true;
  room_.wake_all();
}

void HttpIntake::close() { server_.close_all(); }

asio::awaitable<void> HttpIntake::handle(net::Exchange& exchange) {
  struct Progress {
    std::atomic<std::uint64_t>* n;
    explicit Progress(std::atomic<std::uint64_t>* count) : n(count) {
      if (n) n->fetch_add(1, std::memory_order_release);
    }
    ~Progress() {
      if (n) n->fetch_sub(1, std::memory_order_release);
    }
  };
  // A stop waits for none of the answers that it causes, or their senders could hold it up.
  const Progress progress(stopping_ ? nullptr : &in_progress_);
  Start start;
  auto response = turn_away(exchange);
  if (!response) response = co_await take(exchange, start);
  if (response) co_await exchange.respond(std::move(*response));
}

/// Nothing: its client has gone.
asio::awaitable<std::optional<net::Response>> HttpIntake::take(net::Exchange& exchange, Start& start) {
  const std::size_t bytes = worst_case_bytes(exchange.head());
  const Priority priority = door_priority(exchange.head());
  Visit visit{priority, reservation(exchange.head(), bytes), client_key(exchange, priority)};
  auto passed = pass_early_returns(visit);
  async::Waiter waiter(reactor_.get_executor());
  if (passed) passed = pass_guards(exchange, visit, start, waiter);
  if (passed && waiter.waits()) passed = co_await wait_for_turn(exchange, waiter);
  if (!passed) {
    start.permit.unused();
    co_return refuse_visit(passed.error(), start);
  }
  auto ticket = output_.admit(visit.amount, priority, &visit.held);
  if (waits_at_door(ticket, visit)) ticket = co_await wait_at_door(exchange, visit, ticket.error());
  if (!ticket) {
    start.permit.unused();
    if (output_.refuses_when_full()) early_returns_.told(visit.key, ticket.error(), output_.context().now());
    co_return refuse_visit(ticket.error(), start);
  }
  exchange.limit_body(options_.max_body);
  Unit unit(priority, bytes + 1, std::move(*ticket), output_, start);
  if (output_.reads(Attribute::peer)) unit.origin = origin_of(exchange);
  if (const auto read = co_await read_body(exchange, priority, unit.body); !read)
    co_return refuse_unread(read.error(), unit);
  co_return co_await carry(exchange, unit);
}

asio::awaitable<Admitted<void>> HttpIntake::read_body(net::Exchange& exchange, Priority priority, BlockWriter& body) {
  while (true) {
    if (output_.paused(priority)) {
      exchange.pause_timeouts(true);
      const TimePoint since = output_.context().now();
      while (output_.paused(priority) && !abandoned_) {
        // The client is made to wait here, but not for ever: nothing of the request has entered the flow, so it can be
        // sent again.
        if (output_.context().now() - since >= options_.server.body_timeout) co_return rejected(Reason::body_timeout);
        if (const auto stall = waits_in_vain(since)) co_return std::unexpected(*stall);
        co_await room_.wait(look_again);
      }
      exchange.pause_timeouts(false);
    }
    auto piece = co_await exchange.read(read_credit);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return Admitted<void>{};
    auto space = body.space();
    if (space.size() <= piece->size()) co_return rejected(Reason::too_large);
    std::ranges::copy(*piece, space.begin());
    body.wrote(piece->size());
    if (!output_.paused(priority) && is_whole(exchange.head(), body.data().size())) co_return Admitted<void>{};
  }
}

/// Why its body could not be read; nothing: its client has gone.
std::optional<net::Response> HttpIntake::refuse_unread(const Rejection& why, Unit& unit) const {
  output_.refused(0, why.reason);
  unit.give_up();
  if (why.reason == Reason::client_gone) return std::nullopt;
  const bool told_when = why.retry_after > Duration{0};  // a stall: the rest is the client's own doing
  return refuse(why, told_when ? output_.why(why.reason) : std::string_view{});
}

/// Of events that can be read, where the request is refused nevertheless; nothing: they are taken.
std::optional<net::Response> HttpIntake::refuse_parsed(Unit& unit) {
  const Parsed& parsed = parser_.parsed();
  if (parsed.bad_events > 0 && !options_.keep_malformed) {
    output_.refused(parsed.bad_events, Reason::malformed);
    unit.give_up();
    return refuse_malformed();
  }
  if (!options_.priorities.from_body() || parsed.priorities.empty()) return std::nullopt;
  const Priority best = std::ranges::max(parsed.priorities);
  if (best >= Priority::high || !output_.paused(best) || !output_.refuses_when_full()) return std::nullopt;
  output_.refused(parsed.index.size(), Reason::priority_shed);
  unit.give_up();
  return refuse(Rejection{Reason::priority_shed, std::chrono::seconds(1)}, output_.why(Reason::priority_shed));
}

/// By the rates whose key is a field; nothing: they pass. Last of all that may refuse it, so nothing that is taken here
/// has to be given back.
std::optional<net::Response> HttpIntake::refuse_events(const net::Exchange& exchange, Unit& unit) {
  const net::Requester sender(exchange);
  const std::span<char> body = unit.body.data();
  const auto passed = output_.pass_rates_of_events(sender, {body.data(), body.size()}, parser_.parsed().index);
  if (passed) return std::nullopt;
  unit.give_back();
  return refuse(passed.error(), "it brings more events of one key than its rate lets pass; none of them was taken");
}

asio::awaitable<net::Response> HttpIntake::carry(net::Exchange& exchange, Unit& unit) {
  const auto format = format_of(exchange.head().content_type).value_or(Format::any);
  if (const auto trouble = parser_.parse(unit.body.data(), format)) {
    output_.refused(1, trouble->reason);
    unit.give_up();
    co_return refuse(Rejection{trouble->reason, Duration{0}}, trouble->why);
  }
  if (auto refusal = refuse_parsed(unit)) co_return std::move(*refusal);
  if (auto refusal = refuse_events(exchange, unit)) co_return std::move(*refusal);
  // The parser is shared by all requests of the reactor; what this request needs after a wait is moved out of it.
  const Parsed parsed = parser_.take();
  unit.events = parsed.index.size();
  unit.tell_door();
  exchange.pause_timeouts(true);
  const auto events = static_cast<std::uint32_t>(parsed.index.size() + parsed.bad.size());
  Receipt* receipt = options_.acks == Level::accepted ? nullptr : answers_.issue();
  if (receipt) receipt->owe(events);
  if (!parsed.bad.empty())
    co_await give_dead_letters({unit.body.data().data(), unit.body.data().size()}, parsed.bad, receipt);
  const bool one_priority =
      std::ranges::adjacent_find(parsed.priorities, std::not_equal_to{}) == parsed.priorities.end();
  if (!parsed.priorities.empty() && one_priority) unit.priority = parsed.priorities.front();
  if (options_.priorities.from_body() && parsed.priorities.empty()) unit.priority = options_.priorities.fallback;
  const std::span<const Priority> priorities =
      one_priority ? std::span<const Priority>{} : std::span<const Priority>(parsed.priorities);
  const bool small = unit.body.data().size() <= small_body;
  const bool given = small ? co_await give_small(unit, receipt, parsed.index, priorities)
                           : co_await give_large(unit, receipt, parsed.index, priorities);
  unit.ticket = Ticket{};
  if (!receipt) co_return answer_accepted(unit, given);
  receipt->done_reading();
  auto response = co_await answer_when_settled(*receipt, events, std::move(unit.start.permit));
  tell(response, unit.start);
  co_return response;
}

/// For `acks: accepted`. Not given: the drain deadline came first, and what was not given was not accepted.
net::Response HttpIntake::answer_accepted(Unit& unit, bool given) {
  if (!given) {
    unit.give_up();
    return refuse(Rejection{Reason::shutdown, stopping_ ? until_stopped() : Duration{0}}, {});
  }
  unit.start.permit.ok();
  net::Response response{.status = 202, .body = fmt::format("{{\"accepted\":{}}}\n", unit.events)};
  tell(response, unit.start);
  return response;
}

/// Whoever has waited since then, with nothing of it in the flow yet, for a sink that has stalled: it may be told to
/// come back. What is in the flow may not: its sender would send it again, and both would be stored when the stall
/// ends.
std::optional<Rejection> HttpIntake::waits_in_vain(TimePoint since) const {
  if (output_.context().now() - since < options_.ack_timeout / 4) return std::nullopt;
  auto stall = output_.stalled();
  if (stall) stall->retry_after = std::max(Duration(std::chrono::seconds(1)), stall->retry_after);
  return stall;
}

asio::awaitable<std::optional<Reason>> HttpIntake::wait_until_ready(Priority priority) {
  const TimePoint since = output_.context().now();
  while (!output_.ready(priority) && !abandoned_) {
    if (options_.acks != Level::accepted) {
      if (output_.context().now() - since >= options_.ack_timeout) co_return Reason::ack_timeout;
      if (waits_in_vain(since)) co_return Reason::destination_stalled;
    }
    co_await room_.wait(look_again);
  }
  co_return abandoned_ ? std::optional(Reason::shutdown) : std::nullopt;
}

asio::awaitable<bool> HttpIntake::give_small(Unit& unit, Receipt* receipt, std::span<const Batch::Slot> index,
                                             std::span<const Priority> priorities) {
  const char* data = unit.body.data().data();
  const Bytes overhead = output_.cost(0, 0);
  for (std::size_t i = 0; i < index.size(); ++i) {
    const Priority priority = priorities.empty() ? unit.priority : priorities[i];
    if (!output_.ready(priority))
      if (const auto why_not = co_await wait_until_ready(priority)) {
        if (receipt) receipt->settle(static_cast<std::uint32_t>(index.size() - i), Fate::abandoned, *why_not);
        co_return false;
      }
    Bytes part = output_.cost(index[i].length, 1);
    if (i % events_per_overhead != 0) part -= overhead;
    output_.add_from(unit.origin, {data + index[i].offset, index[i].length}, priority, receipt,
                     unit.ticket.split(std::min(part, unit.ticket.amount())));
  }
  co_return true;
}

asio::awaitable<bool> HttpIntake::give_large(Unit& unit, Receipt* receipt, std::span<const Batch::Slot> index,
                                             std::span<const Priority> priorities) {
  const auto n = static_cast<std::uint32_t>(index.size());
  if (n == 0) co_return true;
  BatchInfo info;
  info.priority = unit.priority;
  info.origin = unit.origin;
  info.one_line_each = true;  // the body was taken apart at its line feeds; those inside an element became spaces
  const auto received_now = [&] {
    info.received = output_.context().now();
    info.received_wall = output_.context().wall();
  };
  if (priorities.empty()) {
    if (const auto why_not = co_await wait_until_ready(unit.priority)) {
      if (receipt) receipt->settle(n, Fate::abandoned, *why_not);
      co_return false;
    }
    received_now();
    info.first_id = output_.next_ids(n);
    output_.push(unit.body.seal(index, receipt, info, unit.ticket), std::move(unit.ticket));
    co_return true;
  }
  // Not push_by_priority: each priority is waited for, and one that never has room must not hold up the others.
  bool all = true;
  info.first_id = output_.next_ids(n);
  PrioritySplit split;
  for (int c = priority_count; c-- > 0;) {
    info.priority = static_cast<Priority>(c);
    if (!split.pick(info.priority, {unit.body.data().data(), unit.body.data().size()}, index, priorities)) continue;
    if (const auto why_not = co_await wait_until_ready(info.priority)) {
      if (receipt) receipt->settle(static_cast<std::uint32_t>(split.index().size()), Fate::abandoned, *why_not);
      all = false;
      continue;
    }
    received_now();
    push_copy(output_, split.text(), split.index(), receipt, info, unit.ticket);
  }
  co_return all;
}

asio::awaitable<void> HttpIntake::give_dead_letters(std::string_view body, std::span<const BadEvent> bad,
                                                    Receipt* receipt) {
  for (const BadEvent& event : bad) {
    while (!output_.dead_letters_ready() && !abandoned_) co_await room_.wait(look_again);
    if (abandoned_) {
      if (receipt) receipt->settle(1, Fate::abandoned, Reason::shutdown);
      continue;
    }
    output_.dead_letter(body.substr(event.offset, event.length), Reason::malformed, event.why, std::nullopt, receipt);
  }
}

asio::awaitable<net::Response> HttpIntake::answer_when_settled(Receipt& receipt, std::size_t events,
                                                               async::Permit permit) {
  if (!co_await answers_.wait(receipt, options_.ack_timeout)) {
    answers_.done(receipt, std::move(permit));
    output_.refused(0, Reason::outcome_unknown);
    co_return refuse(Rejection{Reason::outcome_unknown, Duration{0}}, output_.why(Reason::outcome_unknown));
  }
  permit.settle({outcome_of(receipt.tally())});
  auto response = answer(receipt.tally(), events);
  answers_.done(receipt, {});
  co_return response;
}

}  // namespace weir::http
