#include "net/http_connection.h"

#include <algorithm>
#include <cstring>

#include "net/problem.h"

namespace weir::net {
namespace {

constexpr std::uint64_t default_body_limit = 64 << 20;
constexpr Duration rests_after = std::chrono::seconds(5);
constexpr std::uint64_t most_dropped = 1 << 20;  // at a time: then others get their turn

/// It goes on with what is under way only.
bool is_ending(const ServerState& server) { return server.stopping || server.draining; }

Rejection refusal_of(RequestParser::Status status) {
  return {status == RequestParser::Status::header_too_large ? Reason::header_too_large : Reason::bad_request, {}};
}

}  // namespace

Connection::Connection(ServerState& server, Socket socket)
    : server_(server), id_(++server.last_id), wire_(std::move(socket)), parser_(server.config.max_header) {
  place_ = server_.idle.insert(server_.idle.end(), this);
  in_idle_list_ = true;
  phase_ = Phase::idle;
  if (server.config.receive_buffers) buffers().begin(wire_.socket());
  if (server.config.tls) wire_.secure(server.config.tls->accept(wire_.socket()));
  server_.connections.add();
  server_.idle_now.add();
}

Connection::~Connection() {
  (in_idle_list_ ? server_.idle : server_.busy).erase(place_);
  if (in_idle_list_) server_.idle_now.sub();
  if (!apart_) server_.connections.sub();
  if (grown_ > 0) buffers().give_back(grown_);
  end_piece();
  server_.heads.give(std::move(head_buffer_));
  server_.heads.give(std::move(raw_));
}

void Connection::enter_list(bool idle) {
  if (idle == in_idle_list_) return;
  auto& from = in_idle_list_ ? server_.idle : server_.busy;
  auto& to = idle ? server_.idle : server_.busy;
  to.splice(to.end(), from, place_);
  in_idle_list_ = idle;
  idle ? server_.idle_now.add() : server_.idle_now.sub();
}

/// Waiting for a body is one account over all its waits, and so is waiting for an answer to be read: or a client that
/// moves a byte now and then would never be late.
void Connection::become(Phase phase) {
  if (phase == phase_) return;
  if (phase != Phase::body && phase != Phase::ours) in_.restart();
  phase_ = phase;
}

Duration Connection::patience() const {
  const ServerConfig& config = server_.config;
  switch (phase_) {
    case Phase::idle: return config.idle_timeout;
    case Phase::head: return config.header_timeout;
    case Phase::linger: return config.linger_timeout;
    default: break;
  }
  return is_ending(server_) ? std::min(config.body_timeout, config.last_answer_timeout) : config.body_timeout;
}

Duration Connection::patience_for_answer() const {
  const ServerConfig& config = server_.config;
  return is_ending(server_) ? std::min(config.answer_timeout, config.last_answer_timeout) : config.answer_timeout;
}

void Connection::tick(Duration passed) {
  if (sending_ && out_.add(passed) > patience_for_answer()) {
    server_.timeouts.add();
    return close();
  }
  if (phase_ == Phase::ours || (paused_ && phase_ == Phase::body)) return;
  const Duration waited = in_.add(passed);
  if (waited >= rests_after && grown_ > 0 && !gone_) grown_ = buffers().rest(wire_.socket(), grown_);
  if (waited <= patience()) return;
  timed_out_ = true;
  if (phase_ != Phase::head && phase_ != Phase::body) return close();
  server_.timeouts.add();
  wire_.interrupt();  // it can still be answered
}

void Connection::set_apart() {
  if (!apart_) server_.connections.sub();
  apart_ = true;
}

void Connection::close() {
  wire_.close();
  gone_ = true;
}

bool Connection::has_input() const { return wire_.has_input(); }

/// An end that has arrived stands behind all that was sent: what is in the kernel now is the rest of the request.
bool Connection::request_cut_off() const {
  if (client_unreachable()) return true;
  if (parser_.body_done() || head().chunked || wire_.tls() || !wire_.is_hung_up(false)) return false;
  return parser_.body_left() > rest_.size() + wire_.input();
}

bool Connection::unfinished() const { return (phase_ != Phase::ours || sending_) && !gone_; }

const boost::asio::ip::address& Connection::address() const {
  if (!address_) address_ = wire_.peer();
  return *address_;
}

/// Written out once: it costs 2000 instructions.
std::string Connection::peer() const {
  if (peer_.empty() && !address().is_unspecified()) peer_ = address().to_string();
  return peer_;
}

std::string Connection::tls_subject() const { return wire_.tls() ? wire_.tls()->peer_subject() : std::string(); }

/// A handshake has the deadline of a head (header_timeout).
boost::asio::awaitable<bool> Connection::shake_hands() {
  enter_list(false);
  become(Phase::head);
  const bool done = co_await wire_.shake_hands();
  if (!done && wire_.tls()->is_unknown_peer() && server_.config.on_unknown_client) server_.config.on_unknown_client();
  co_return done && !gone_;
}

boost::asio::awaitable<void> Connection::serve() {
  if (wire_.tls() && !co_await shake_hands()) gone_ = true;
  while (!gone_) {
    if (rest_.empty()) {
      if (!become_idle()) break;
      // Others get their turn between two requests, also beside a client that sends the next ones without waiting.
      if (!co_await wire_.readable() || gone_) break;
      const long n = wire_.receive(small_.data(), small_.size());
      if (n == Wire::nothing_now) continue;
      if (n <= 0) break;
      begin_head(static_cast<std::size_t>(n));
    }
    const auto status = parser_.parse_head(rest_);
    if (status == RequestParser::Status::need_more) {
      if (!co_await more_head()) break;
      continue;
    }
    if (status != RequestParser::Status::done) {
      co_await refuse_head(status);
      break;
    }
    begin_exchange();
    server_.requests.add();
    co_await server_.handler(*this);
    if (gone_ || answer_ != Answer::complete) break;
    if (!end_exchange() && !(keep_ && co_await drain())) {
      co_await leave();
      break;
    }
    parser_.reset();
  }
  if (!gone_) close();
}

bool Connection::become_idle() {
  server_.heads.give(std::move(head_buffer_));
  server_.heads.give(std::move(raw_));
  enter_list(true);
  become(Phase::idle);
  return !server_.stopping;
}

void Connection::begin_head(std::size_t bytes) {
  server_.bytes_in.add(bytes);
  rest_ = {small_.data(), bytes};
  enter_list(false);
  become(Phase::head);
}

boost::asio::awaitable<bool> Connection::more_head() {
  become(Phase::head);
  if (co_await wire_.readable() && !gone_ && receive_head()) co_return true;
  if (timed_out_ && !gone_) co_await refuse_late();
  co_return false;
}

boost::asio::awaitable<void> Connection::refuse_late() {
  begin_exchange();
  const Rejection late{Reason::body_timeout, {}};
  Response answer{.status = info(late.reason).http_status,
                  .body = problem_body(late, "its header was not complete"),
                  .close = true};
  if (co_await respond(std::move(answer))) co_await linger(std::nullopt);
}

/// Reads behind what is there already; head and early body together never exceed max_header.
bool Connection::receive_head() {
  if (!head_buffer_) head_buffer_ = server_.heads.take();
  if (rest_.data() != head_buffer_.get() && !rest_.empty())
    std::memmove(head_buffer_.get(), rest_.data(), rest_.size());
  const std::size_t kept = rest_.size();
  server_.heads.give(std::move(raw_));
  const long n = receive(head_buffer_.get() + kept, server_.heads.size() - kept);
  rest_ = {head_buffer_.get(), kept + static_cast<std::size_t>(std::max(n, 0L))};
  return n > 0 || (n < 0 && !gone_);
}

boost::asio::awaitable<void> Connection::refuse_head(RequestParser::Status status) {
  server_.bad.add();
  begin_exchange();
  const Rejection why = refusal_of(status);
  const std::string_view hint = rest_.starts_with("PRI * HTTP/2") ? "this listener speaks HTTP/1.1, not HTTP/2" : "";
  Response answer{.status = info(why.reason).http_status, .body = problem_body(why, hint), .close = true};
  if (co_await respond(std::move(answer))) co_await linger(std::nullopt);
}

void Connection::begin_exchange() {
  rest_.remove_prefix(parser_.head_size());
  enter_list(false);
  become(Phase::ours);
  in_.restart();
  out_.restart();
  failed_.reset();
  answer_ = Answer::none;
  body_limit_ = default_body_limit;
  decoded_ = 0;
  direct_reads_ = 0;
  timed_out_ = paused_ = keep_ = switched_ = encoded_ = reading_ = not_to_read_ = false;
  continued_ = !head().expect_continue || head().version < 11;
}

/// Whether the next request may follow on this connection.
bool Connection::end_exchange() {
  end_piece();
  gzip_.reset();
  return keep_ && parser_.body_done();
}

boost::asio::awaitable<void> Connection::leave() {
  if (gone_ || (parser_.body_done() && rest_.empty() && !has_input())) co_return;
  std::optional<std::uint64_t> left;  // of a request that has ended already more may follow: nobody knows how much
  if (!head().chunked && !parser_.body_done())
    left = parser_.body_left() - std::min<std::uint64_t>(parser_.body_left(), rest_.size());
  co_await linger(left);
}

/// Closing with unread input makes the kernel send a reset, which can destroy the answer on its way to the client. So:
/// say that no more comes, and take in what the client still sends until its request has ended (`left` bytes, where
/// that is known), it closes, or linger_timeout has passed.
boost::asio::awaitable<void> Connection::linger(std::optional<std::uint64_t> left) {
  wire_.shut_down();
  become(Phase::linger);
  auto& lingering = server_.lingering;
  lingering.push_back(this);
  if (lingering.size() > server_.config.max_lingering()) {
    lingering.front()->close();
    lingering.pop_front();
  }
  std::uint64_t dropped = 0;
  while (!gone_ && drop_input(dropped) && !gone_) {
    if (left && dropped >= *left && !has_input()) break;
    if (!co_await wait_readable(Phase::linger)) break;
  }
  std::erase(lingering, this);
}

/// Adds what had come to `dropped`; false: the client sends no more.
bool Connection::drop_input(std::uint64_t& dropped) {
  std::array<char, 16 << 10> sink;
  for (std::uint64_t now = 0; now < most_dropped;) {
    const long n = receive(sink.data(), sink.size());
    if (n == 0) return false;
    if (n < 0) break;
    now += static_cast<std::uint64_t>(n);
    dropped += static_cast<std::uint64_t>(n);
  }
  return true;
}

}  // namespace weir::net
