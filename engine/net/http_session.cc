#include "net/http_session.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace weir::net {
namespace {

using State = TlsSession::State;
constexpr Bytes max_head = 16_KiB;
constexpr Duration cancel_seen_within = std::chrono::milliseconds(100);  // for a cancel

short awaited(State state) {
  if (state == State::wait_read) return POLLIN;
  return state == State::wait_write ? POLLOUT : short{0};
}

}  // namespace

Result<HttpAnswer> HttpSession::exchange(std::string_view head, std::string_view body) {
  bool kept = still_open();
  while (true) {
    if (!kept)
      if (auto connected = connect(); !connected) return std::unexpected(connected.error());
    ReplyReader reply(max_head, config_.max_body);
    const Trouble trouble = attempt(head, body, reply);
    last_used_ = context_.now();
    if (trouble == Trouble::none) {
      dialer_.worked();
      return reply.take();
    }
    close();
    if (!kept && !cancelled_.load(std::memory_order_relaxed)) dialer_.let_down();
    if (!kept || trouble != Trouble::broken || reply.begun()) return wrong(trouble, reply);
    kept = false;
  }
}

void HttpSession::close() {
  if (tls_) tls_->shut_down();
  tls_.reset();
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

// Readable before a request was sent: closed, or an answer without a request. Either makes it unusable.
bool HttpSession::still_open() {
  if (socket_ < 0) return false;
  if (context_.now() - last_used_ < config_.max_idle && !dialer_.moved()) {
    pollfd fd{socket_, POLLIN, 0};
    if (poll(&fd, 1, 0) == 0) return true;
    // With TLS it may be a session ticket, which does not matter.
    char any;
    if (tls_ && tls_->peek(&any, 1).state == State::wait_read) return true;
  }
  close();
  return false;
}

Result<void> HttpSession::connect() {
  ++connections_;
  const auto prepare = [](int socket) {
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  };
  auto socket = dialer_.dial({config_.connect_timeout, prepare, &cancelled_});
  if (!socket) {
    Error error = std::move(socket.error());
    if (error.message.contains(": cannot connect: ")) error.message += ": is it running, and is this its address?";
    return std::unexpected(std::move(error));
  }
  socket_ = *socket;
  return shake_hands();
}

Result<void> HttpSession::shake_hands() {
  if (!config_.tls) return {};
  const TimePoint deadline = context_.now() + config_.connect_timeout;
  tls_ = config_.tls->connect(socket_, config_.server_name);
  while (true) {
    const State state = tls_->handshake();
    if (state == State::ok) return {};
    if (const short what = awaited(state); what != 0 && wait(what, deadline) != 0) continue;
    const std::string why = tls_->why().empty() ? "no TLS handshake in time" : tls_->why();
    close();
    if (!cancelled_.load(std::memory_order_relaxed)) dialer_.let_down();
    return failure(fmt::format("{}: {}", config_.address, why), Error::Kind::disconnected);
  }
}

HttpSession::Trouble HttpSession::attempt(std::string_view head, std::string_view body, ReplyReader& reply) {
  const TimePoint deadline = context_.now() + config_.timeout;
  bool done = false, deaf = false;  // it takes no more, but may have answered
  while (true) {
    short more = 0;
    if (!deaf) {
      const auto awaited = send_some(head, body);
      deaf = !awaited;
      more = awaited.value_or(0);
    }
    // Behind TLS bytes may wait where poll() does not look: read until there is nothing, then wait.
    if (const Trouble trouble = receive_some(reply, done); trouble != Trouble::none) return trouble;
    if (done) break;
    if (wait(static_cast<short>(POLLIN | more), deadline) == 0) return Trouble::late;
  }
  if (!reply.may_reuse() || !head.empty() || !body.empty()) close();
  return Trouble::none;
}

std::optional<short> HttpSession::send_some(std::string_view& head, std::string_view& body) {
  for (std::string_view* part : {&head, &body}) {
    while (!part->empty()) {
      const auto moved = write(*part, part == &head && !body.empty());
      part->remove_prefix(moved.bytes);
      if (moved.state == State::ok) continue;
      const short what = awaited(moved.state);
      return what != 0 ? std::optional(what) : std::nullopt;
    }
  }
  return short{0};
}

HttpSession::Trouble HttpSession::receive_some(ReplyReader& reply, bool& done) {
  std::array<char, 16 << 10> buffer;
  while (true) {
    const auto moved = read(buffer.data(), buffer.size());
    auto status = moved.bytes == 0 ? ReplyReader::Status::need_more : reply.feed({buffer.data(), moved.bytes});
    if (status == ReplyReader::Status::need_more && moved.state == State::end) {
      status = reply.end();
      if (status != ReplyReader::Status::done) return Trouble::broken;
    }
    done = status == ReplyReader::Status::done;
    if (status == ReplyReader::Status::damaged) return Trouble::damaged;
    if (done) return Trouble::none;
    if (moved.state == State::failed) return Trouble::broken;
    if (moved.state != State::ok) return Trouble::none;
  }
}

TlsSession::Moved HttpSession::write(std::string_view bytes, bool more_follows) {
  if (tls_) return tls_->write(bytes);
  const long n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0));
  if (n >= 0) return {static_cast<std::size_t>(n), State::ok};
  return {0, errno == EINTR ? State::ok : errno == EAGAIN ? State::wait_write : State::failed};
}

TlsSession::Moved HttpSession::read(char* into, std::size_t most) {
  if (tls_) return tls_->read(into, most);
  const long n = ::recv(socket_, into, most, 0);
  if (n == 0) return {0, State::end};
  if (n > 0) return {static_cast<std::size_t>(n), State::ok};
  return {0, errno == EINTR ? State::ok : errno == EAGAIN ? State::wait_read : State::failed};
}

/// What is ready; 0: the deadline has passed, or it was cancelled.
short HttpSession::wait(short what, TimePoint deadline) const {
  while (true) {
    const Duration left = deadline - context_.now();
    if (left <= Duration{0} || cancelled_.load(std::memory_order_relaxed)) return 0;
    pollfd fd{socket_, what, 0};
    const auto slice = std::chrono::ceil<std::chrono::milliseconds>(std::min(left, cancel_seen_within));
    if (poll(&fd, 1, static_cast<int>(slice.count())) > 0) return fd.revents;
  }
}

std::unexpected<Error> HttpSession::wrong(Trouble trouble, const ReplyReader& reply) const {
  const auto say = [&](std::string_view what) {
    return failure(fmt::format("{}: {}", config_.address, what), Error::Kind::disconnected);
  };
  switch (trouble) {
    case Trouble::late:
      if (cancelled_.load(std::memory_order_relaxed)) return say("given up on, because the process stops");
      return say(fmt::format("no answer within {:.3g} s: it is slow or stuck, or `timeout` is too short",
                             seconds(config_.timeout)));
    case Trouble::damaged: return say("the answer is not HTTP/1.1 as it should be: is this the right port?");
    default:
      return say(reply.begun() ? "the connection broke in the middle of the answer"
                               : "the connection broke before an answer came");
  }
}

}  // namespace weir::net
