#include "gateway/proxy.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <array>

#include "gateway/deadline_field.h"
#include "gateway/fields.h"
#include "gateway/hedge.h"
#include "gateway/refusal.h"
#include "gateway/route_guards.h"
#include "net/field_lines.h"
#include "net/retry_after.h"
#include "net/surface.h"

namespace weir::gateway {
namespace {

using net::ClientConnection;
using Trouble = ClientConnection::Trouble;

constexpr Bytes piece_size = config::upstream_buffer;
constexpr std::uint64_t small_body = 16 << 10;  // fits into what the kernel takes from us: sending it does not wait
constexpr Duration come_back = std::chrono::seconds(1);

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::ranges::find(methods, method) != methods.end();
}

std::string_view words_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::closed: return "closed the connection before its answer was whole";
    case Trouble::damaged: return "what came is no HTTP answer";
    case Trouble::late: return "moved less than 4 KiB in 30 s";
    default: return "";
  }
}

}  // namespace

/// The body of the request on its way, beside the answer.
struct Proxy::Upload {
  explicit Upload(boost::asio::io_context& io) : over(io) {}
  async::Signal over;
  bool running = false, ended_by_us = false;
  std::optional<Reason> failed;  ///< the client's half
};

boost::asio::awaitable<Ending> Proxy::refuse(Rejection rejection, std::string_view sentence) {
  if (rejection.reason == Reason::client_gone) co_return Ending::abandoned(Reason::client_gone);
  if (turn_ && turn_->stands_in_for(rejection.reason)) co_return co_await turn_->serve_instead(0, {});
  if (may_stand_in(rejection.reason)) co_return co_await stand_in(request_, *route_.degraded, rejection.reason);
  co_return co_await gateway::refuse(exchange_, context_, rejection, sentence);
}

bool Proxy::may_stand_in(Reason reason) const {
  const std::string_view method = exchange_.head().method;
  return route_.degraded && (method == "GET" || method == "HEAD") && reason != Reason::bad_request &&
         reason != Reason::shutting_down && reason != Reason::shutdown;
}

Priority Proxy::priority() const {
  if (route_.priority_header.empty()) return route_.priority;
  const std::string_view said = exchange_.head().header(route_.priority_header);
  const auto found = std::ranges::find(priority_names, said);
  return found == priority_names.end() ? route_.priority : static_cast<Priority>(found - priority_names.begin());
}

boost::asio::awaitable<Ending> Proxy::run() {
  const net::Head& head = exchange_.head();
  const auto& upgrades = route_.upgrades;
  const std::string_view asked = upgrades.allow.empty() ? std::string_view() : asked_upgrade(head);
  if (std::ranges::any_of(upgrades.allow, [&](const auto& token) { return net::same_word(token, asked); })) {
    if (slots_.open >= upgrades.most)
      co_return co_await refuse({Reason::concurrency_limited, come_back},
                                "as many connections as may have switched protocols");
    upgrade_ = asked;
  }
  exchange_.keep_encoding();
  exchange_.limit_body(Bytes(~std::uint64_t{0}));
  if (!route_.deadline_header.empty()) {
    const auto said = said_deadline(route_.deadline_header, head.header(route_.deadline_header));
    patience_ = std::min(patience_, said.value_or(patience_));
    if (patience_ <= Duration{0}) co_return co_await refuse({Reason::deadline_exceeded, Duration{0}});
  }
  request_.deadline = context_.now() + patience_;
  if (request_.guards)
    if (const auto passed = co_await request_.guards->pass(request_, priority()); !passed) {
      const Rejection no = passed.error();
      if (no.reason == Reason::client_gone) co_return Ending::abandoned(no.reason);
      const std::string why = request_.guards->why(no.reason), fields = request_.guards->quota_fields(no.reason);
      co_return co_await gateway::refuse(exchange_, context_, no, why, fields);  // nothing stands in for a quota
    }
  auto at_once = upstream_.enter_at_once(request_.waiter);
  auto permit = at_once ? Admitted<Upstream::Permit>(std::move(*at_once))
                        : co_await upstream_.enter(request_.waiter, priority(), request_.deadline);
  if (!permit) {
    request_.guarded.unused();
    co_return co_await refuse(permit.error());
  }
  const bool fit = write_head();
  const Ending ending = fit ? co_await attempts(*permit)
                            : co_await refuse({Reason::bad_request, Duration{0}}, "a header line cannot be passed on");
  upstream_.ignored(*permit);  // if it is not settled yet, nothing was learned
  gateway::settle(request_.guarded, ending);
  co_return ending;
}

/// Only for who has a place: of an overload most are refused without it.
bool Proxy::write_head() {
  const net::Head& head = exchange_.head();
  auto text = request_head(head, origin_, framing_of(head),
                           {.route = &route_,
                            .request_id = request_.id,
                            .conditions = turn_ ? std::string_view(turn_->conditions()) : std::string_view(),
                            .upgrade = upgrade_});
  if (text) head_ = std::move(*text);
  return text.has_value();
}

boost::asio::awaitable<Ending> Proxy::attempts(Upstream::Permit& permit) {
  using Try = flow::Destination::Try;
  Outcome last;
  bool fresh = false;
  for (int number = 1;;) {
    auto started = upstream_.start(number == 1 ? Try::first : Try::retry);
    if (!started && number == 1) co_return co_await refuse(started.error());
    if (!started) break;
    if (number > 1) permit = upstream_.start_again();
    trying_ = &*started;
    ++request_.attempts;
    last = co_await attempt(permit, fresh, last.endpoint);
    if (late_) {
      upstream_.await_late(std::move(*late_), std::move(permit), std::move(*started));
      break;
    }
    if (last.kind == Outcome::Kind::gone) {
      started->ignored();
      upstream_.count_repeated();
      fresh = true;  // a fresh one cannot have gone
      continue;
    }
    settle(permit, *started, last);
    if (last.kind == Outcome::Kind::ended) co_return last.ending;
    if (number++ >= upstream_.config().attempts || !may_try_again(last)) break;
  }
  if (request_.stopped) co_return co_await refuse({*request_.stopped, Duration{0}});
  if (last.kind == Outcome::Kind::unreachable)
    co_return co_await refuse({Reason::upstream_unreachable, come_back}, last.why);
  co_return co_await refuse({Reason::upstream_failed, Duration{0}}, last.why);
}

bool Proxy::may_try_again(const Outcome& outcome) const {
  if (request_.stopped || body_taken_) return false;
  return outcome.kind == Outcome::Kind::unreachable || is_idempotent(exchange_.head().method);
}

/// What the limit and the breaker learn of it (semantics E1).
void Proxy::settle(Upstream::Permit& permit, Upstream::Attempt& attempt, const Outcome& outcome) {
  const TimePoint now = context_.now();
  using Kind = Outcome::Kind;
  if (outcome.kind == Kind::unreachable || outcome.kind == Kind::broken) {
    const bool ours = request_.stopped && *request_.stopped != Reason::deadline_exceeded;
    if (ours) return attempt.ignored();
    attempt.failed(now);
    // That nobody takes connections says nothing of how many requests could be in flight.
    return outcome.kind == Kind::broken ? upstream_.failed(permit) : upstream_.ignored(permit);
  }
  const Ending& ending = outcome.ending;
  if (ending.status == 101) return;  // settled when it began
  if (ending.kind == Ending::Kind::answered) {
    const int status = upstream_status_ ? upstream_status_ : ending.status;
    const bool overloaded = status == 503 || status == 429;
    overloaded ? upstream_.failed(permit) : upstream_.answered(permit);
    if (status < 500)
      attempt.ok(now);
    else if (told_later_)
      attempt.ignored();  // a refusal is no failure
    else
      attempt.failed(now);
    // A 429 is about this client, and tells nothing of others.
    if (told_later_ && status == 503) upstream_.refused(outcome.endpoint, *told_later_);
  } else if (ending.reason == Reason::upstream_failed) {
    upstream_.failed(permit);
    attempt.failed(now);
  } else {
    upstream_.ignored(permit);
    attempt.ignored();
  }
}

boost::asio::awaitable<Proxy::Outcome> Proxy::attempt(Upstream::Permit& permit, bool fresh, std::size_t avoid) {
  auto line = co_await upstream_.connect(fresh, !is_idempotent(exchange_.head().method), avoid,
                                         request_.deadline - context_.now(), request_.leg.dial);
  if (!line) co_return Outcome{Outcome::Kind::unreachable, {}, std::move(line.error().message)};
  Outcome outcome;
  if (!request_.stopped) {
    request_.leg.connection = line->connection.get();
    outcome = co_await converse(*line, permit);
    request_.leg.connection = nullptr;
  } else {
    outcome = {Outcome::Kind::broken};
  }
  const bool kept = line->kept;
  outcome.endpoint = line->endpoint;  // which is that of a hedge that has answered first
  const ClientConnection& connection = *line->connection;
  if (connection.is_handed_over()) {
    late_ = std::move(*line);
    co_return outcome;
  }
  const bool in_vain = outcome.kind == Outcome::Kind::broken && !request_.stopped;
  if (in_vain && kept && connection.trouble() == Trouble::closed && !connection.has_begun() && !body_taken_ &&
      (is_idempotent(exchange_.head().method) || !connection.has_sent()))
    outcome.kind = Outcome::Kind::gone;
  const bool late = request_.stopped == Reason::deadline_exceeded;
  const bool failed = late || (in_vain && outcome.kind != Outcome::Kind::gone);
  const std::string_view error = late ? "no answer until the deadline" : words_of(connection.trouble());
  upstream_.done(std::move(*line),
                 failed                                 ? Endpoints::End::failed
                 : outcome.kind == Outcome::Kind::ended ? Endpoints::End::answered
                                                        : Endpoints::End::ignored,
                 failed ? error : std::string_view{});
  co_return outcome;
}

boost::asio::awaitable<Proxy::Outcome> Proxy::converse(Upstream::Line& line, Upstream::Permit& permit) {
  const net::Head& head = exchange_.head();
  Upload upload(io_);
  const auto framing = framing_of(head);
  const TimePoint deadline = request_.deadline;
  if (!upgrade_.empty()) line.connection->allow_switch();
  const std::string text = head_to_send(line.endpoint);
  request_.endpoint = line.endpoint;
  const bool sent = co_await line.connection->send_head(text, framing, head.method == "HEAD");
  if (sent && framing != net::BodyFraming::none) co_await begin_upload(*line.connection, upload);
  const bool all_sent = sent && !upload.running;
  const TimePoint sent_at = context_.now();
  const std::size_t sent_to = line.endpoint;  // a hedge that wins puts its own in the place of it
  const bool answered =
      delay_ && may_hedge() ? co_await head_of_either(line, permit) : co_await head_of_answer(*line.connection);
  ClientConnection& connection = *line.connection;
  answering_ = answered;
  request_.deadline = answered ? never : deadline;  // which holds for the next attempt too
  Outcome outcome;
  if (answered) {
    request_.answered_at = context_.now();
    permit.served(request_.answered_at);
    learn_pressure(line);
    if (all_sent && line.endpoint == sent_to) upstream_.took(line.endpoint, request_.answered_at - sent_at);
    outcome.ending = connection.has_switched() ? co_await carry(line, permit)
                                               : co_await relay(connection, !connection.request_done());
  }
  if (upload.running) co_await end_upload(connection, upload);
  if (!answered) outcome = co_await no_answer(line, upload);
  co_return outcome;
}

/// What is written for each attempt: what is left of the deadline, and the Host where neither client nor route names
/// one.
std::string Proxy::head_to_send(std::size_t endpoint) const {
  std::string head = head_;
  if (exchange_.head().authority.empty() && route_.send_host.empty())
    head.insert(head.find('\n') + 1, "Host: " + upstream_.config().endpoints[endpoint] + "\r\n");
  if (!route_.deadline_header.empty())
    head.insert(head.size() - 2, deadline_line(route_.deadline_header, request_.deadline - context_.now()));
  return head;
}

void Proxy::learn_pressure(const Upstream::Line& line) {
  const auto level = net::plain_number(net::Head{.fields = line.connection->head().fields}.header("Weir-Pressure"));
  if (level) upstream_.reported(line.endpoint, *level);
}

/// Its work is done when it begins: what follows holds neither a place nor the breaker's probe.
boost::asio::awaitable<Ending> Proxy::carry(Upstream::Line& line, Upstream::Permit& permit) {
  upstream_.answered(permit);
  upstream_.switched(line.endpoint);
  trying_->ok(context_.now());
  std::string fields = answer_fields(line.connection->head(), route_.answer_edits);
  fields.append("Connection: Upgrade\r\nUpgrade: ").append(upgrade_).append("\r\n");
  ++slots_.open;
  Tunnel tunnel(io_, context_, request_, *line.connection);
  co_await tunnel.run(fields, route_.upgrades.idle);
  --slots_.open;
  co_return Ending::answered(101);
}

/// A small body goes at once; a large one beside the answer, which may come before its end.
boost::asio::awaitable<void> Proxy::begin_upload(ClientConnection& connection, Upload& upload) {
  request_.deadline = never;
  upload.running = true;
  const auto length = exchange_.head().content_length;
  if (length && length->count() <= small_body)
    co_await send_body(connection, upload);
  else
    boost::asio::co_spawn(io_, send_body(connection, upload), net::surface);
}

boost::asio::awaitable<void> Proxy::send_body(ClientConnection& connection, Upload& upload) {
  for (;;) {
    const auto piece = co_await exchange_.read(piece_size);
    if (!piece) {
      if (upload.ended_by_us) break;
      upload.failed = piece.error().reason;
      connection.abort();  // half a request must not look like a whole one
      break;
    }
    if (piece->empty()) {
      const auto trailers = exchange_.head().chunked ? exchange_.trailers() : std::string_view();
      if (co_await connection.finish(trailers) && !answering_) request_.deadline = context_.now() + patience_;
      break;
    }
    body_taken_ = true;
    request_.received += piece->size();
    if (!co_await connection.write(*piece)) break;
  }
  upload.running = false;
  upload.over.set();
}

boost::asio::awaitable<void> Proxy::end_upload(ClientConnection& connection, Upload& upload) {
  upload.ended_by_us = true;
  connection.abort();
  exchange_.stop_reading();
  while (!upload.over.is_set()) co_await upload.over.wait(std::chrono::hours(1));
}

/// The one that counts; interim ones before it are passed on, but 100.
boost::asio::awaitable<bool> Proxy::head_of_answer(ClientConnection& connection) {
  while (co_await connection.receive_head()) {
    const net::AnswerHead& head = connection.head();
    if (!head.is_interim() || connection.has_switched()) co_return true;
    if (head.status == 100) continue;
    const std::string fields = answer_fields(head);
    if (!co_await exchange_.inform(head.status, fields)) {
      request_.stop(Reason::client_gone);
      co_return false;
    }
  }
  co_return false;
}

/// Nothing of a body has to be sent twice, and the request may be.
bool Proxy::may_hedge() const {
  const net::Head& head = exchange_.head();
  return is_idempotent(head.method) && framing_of(head) == net::BodyFraming::none && upgrade_.empty();
}

/// What follows goes on with whichever of the two has answered first: its line, permit and attempt take the place of
/// the first one's, and those of the other are given back.
boost::asio::awaitable<bool> Proxy::head_of_either(Upstream::Line& line, Upstream::Permit& permit) {
  const TimePoint sent_at = context_.now();
  Hedge hedge(io_, context_, request_, line, [this](std::size_t endpoint) { return head_to_send(endpoint); });
  if (const auto after = request_.hedged.empty() ? delay_->after() : std::nullopt) hedge.begin(*after);
  const bool first = co_await head_of_answer(*line.connection);
  const bool won = co_await hedge.decide(first);
  if (won)
    delay_->took_longer();
  else if (first)
    delay_->answered(context_.now() - sent_at);
  hedge.give_back(line, permit, *trying_);
  co_return won || first;
}

boost::asio::awaitable<Proxy::Outcome> Proxy::no_answer(const Upstream::Line& line, const Upload& upload) {
  if (upload.failed && !request_.stopped) {
    if (*upload.failed == Reason::client_gone) co_return Outcome{.ending = Ending::abandoned(Reason::client_gone)};
    co_return Outcome{.ending = co_await refuse({*upload.failed, Duration{0}})};
  }
  const auto& endpoint = upstream_.config().endpoints[line.endpoint];
  std::string why = endpoint + ": ";
  why += words_of(line.connection->trouble());
  co_return Outcome{Outcome::Kind::broken, {}, std::move(why)};
}

boost::asio::awaitable<Ending> Proxy::relay(ClientConnection& connection, bool close) {
  const net::AnswerHead& head = connection.head();
  const int status = head.status;
  const std::string fields = answer_fields(head, route_.answer_edits);
  if (status == 503 || status == 429)
    told_later_ = net::retry_after(net::Head{.fields = head.fields}.header("Retry-After"), context_.wall());
  upstream_status_ = status;
  if (turn_ && turn_->stands_in_for(status)) {
    if (!connection.answer_done()) connection.abort();
    co_return co_await turn_->serve_instead(status, fields);
  }
  if (turn_) turn_->begins(status, fields, head.length);
  net::AnswerStart start{.status = status, .fields = fields, .length = head.length, .close = close};
  if (head.length) {
    start.first = connection.read_now(piece_size);
    request_.sent += start.first.size();
    if (turn_ && !start.first.empty()) turn_->piece(start.first);
  }
  const bool whole = co_await exchange_.start(start) && (connection.answer_done() || co_await relay_body(connection));
  if (whole && co_await exchange_.finish(connection.trailers())) {
    if (turn_) turn_->whole();
    co_return Ending::answered(status);
  }
  const bool upstream_broke = connection.trouble() != Trouble::none && connection.trouble() != Trouble::aborted;
  if (upstream_broke) exchange_.abort();
  connection.abort();
  if (upstream_broke) co_return Ending::abandoned(Reason::upstream_failed);
  if (request_.stopped) exchange_.abort();
  co_return Ending::abandoned(request_.stopped.value_or(Reason::client_gone));
}

/// True: all of it has gone to the client.
boost::asio::awaitable<bool> Proxy::relay_body(ClientConnection& connection) {
  for (;;) {
    const auto piece = co_await connection.read(piece_size);
    if (!piece) co_return false;
    if (piece->empty()) co_return true;
    request_.sent += piece->size();
    if (turn_) turn_->piece(*piece);
    if (!co_await exchange_.write(*piece)) co_return false;
  }
}

}  // namespace weir::gateway
