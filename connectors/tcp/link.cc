#include "link.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::tcp {
namespace {

constexpr std::size_t progress_wanted = 4 << 10;
constexpr std::size_t most_discarded =
    256 << 10;  // at a time: a receiver that sends for ever does not keep the sink from writing
constexpr int receive_buffer = 8 << 10;

}  // namespace

std::unexpected<Error> Link::lost(std::string_view what) {
  drop();
  return failure(fmt::format("{}: {}", config_.address, what), Error::Kind::disconnected);
}

/// Another address of the name may be better.
std::unexpected<Error> Link::of_no_use(std::string_view what) {
  dialer_.let_down();
  return lost(what);
}

void Link::drop() {
  tls_.reset();
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void Link::close() {
  if (socket_ < 0) return;
  if (tls_) tls_->shut_down();
  ::shutdown(socket_, SHUT_WR);
  // Closing with unread input would make this kernel send a reset, which can destroy what is on its way.
  const TimePoint end = context_.now() + std::chrono::seconds(1);
  while (wait(POLLIN, end) && discard() == State::wait_read) {
  }
  drop();
}

Result<void> Link::open() {
  if (socket_ >= 0 && dialer_.moved()) close();  // what was sent still arrives
  if (socket_ >= 0 && still_there()) return {};
  drop();
  return connect();
}

/// Which of `what` is possible; 0 when the deadline came first.
short Link::wait(short what, TimePoint deadline) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - context_.now()).count();
    if (left <= 0) return 0;
    pollfd state{socket_, what, 0};
    const int n = ::poll(&state, 1, static_cast<int>(std::min<long>(left, 60'000)));
    if (n > 0) return state.revents;
    if (n < 0 && errno != EINTR) return POLLERR;
  }
}

Result<void> Link::connect() {
  const auto prepare = [send_buffer = static_cast<int>(config_.send_buffer.count())](int socket) {
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  };
  auto socket = dialer_.dial({config_.connect_timeout, prepare});
  if (!socket) return std::unexpected(socket.error());
  socket_ = *socket;
  return config_.tls ? shake_hands() : Result<void>{};
}

Result<void> Link::shake_hands() {
  tls_ = config_.tls->connect(socket_, config_.server_name);
  const TimePoint deadline = context_.now() + config_.connect_timeout;
  for (;;) {
    const State state = tls_->handshake();
    if (state == State::ok) return {};
    if (state == State::failed || state == State::end)
      return of_no_use(fmt::format("TLS for {}: {}", config_.server_name, std::string(tls_->why())));
    if (!wait(state == State::wait_read ? POLLIN : POLLOUT, deadline))
      return of_no_use("no TLS handshake within connect_timeout: does it speak TLS?");
  }
}

net::TlsSession::Moved Link::write(std::string_view bytes) {
  if (tls_) return tls_->write(bytes);
  const long n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) return {static_cast<std::size_t>(n), State::ok};
  return {0, errno == EAGAIN || errno == EINTR ? State::wait_write : State::failed};
}

/// `wait_read`: everything that came has been discarded, and the receiver is still connected.
Link::State Link::discard() {
  char sink[4096];
  for (std::size_t discarded = 0; discarded < most_discarded;) {
    if (tls_) {
      const auto moved = tls_->read(sink, sizeof sink);
      if (moved.state != State::ok) return moved.state == State::wait_write ? State::wait_read : moved.state;
      discarded += moved.bytes;
      continue;
    }
    const long n = ::recv(socket_, sink, sizeof sink, MSG_DONTWAIT);
    if (n == 0) return State::end;
    if (n < 0) return errno == EAGAIN || errno == EINTR ? State::wait_read : State::failed;
    discarded += static_cast<std::size_t>(n);
  }
  return State::wait_read;
}

Result<void> Link::still_there() {
  if (discard() == State::wait_read) return {};
  return lost("the other side has closed the connection");
}

Result<void> Link::send(std::string_view bytes) {
  TimePoint deadline = context_.now() + config_.write_timeout;
  std::size_t progress = 0;
  while (!bytes.empty()) {
    const auto moved = write(bytes);
    bytes.remove_prefix(moved.bytes);
    if (moved.state == State::failed || moved.state == State::end) return lost("the connection broke while writing");
    if ((progress += moved.bytes) >= progress_wanted) {
      progress = 0;
      deadline = context_.now() + config_.write_timeout;
    }
    if (bytes.empty() || (moved.bytes > 0 && moved.state == State::ok)) continue;
    const short possible = wait(POLLOUT | POLLIN, deadline);
    if (!possible)
      return of_no_use(fmt::format("it takes less than 4 KiB in write_timeout ({:g} s): is it stuck?",
                                   seconds(config_.write_timeout)));
    if (possible & (POLLIN | POLLERR | POLLHUP))
      if (auto there = still_there(); !there) return there;
  }
  dialer_.worked();
  return {};
}

}  // namespace weir::tcp
