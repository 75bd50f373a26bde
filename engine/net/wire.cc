#include "net/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace weir::net {
namespace {

using ErrorCode = boost::system::error_code;

/// Takes the first `skip` bytes off; what was taken off is no longer to be skipped.
std::string_view rest_of(std::string_view piece, std::size_t& skip) {
  const std::size_t before = std::min(skip, piece.size());
  skip -= before;
  return piece.substr(before);
}

long result_of(long n) {
  if (n >= 0) return n;
  return errno == EAGAIN || errno == EINTR ? Wire::nothing_now : Wire::broken;
}

boost::asio::awaitable<bool> not_waited() { co_return false; }

}  // namespace

/// Asio accepts and connects; from here on the socket is not its own.
Wire::Wire(Socket socket) : socket_(-1) {
  if (!socket.is_open()) return;
  ErrorCode error;
  const auto executor = socket.get_executor();
  socket_ = socket.release(error);
  if (error) socket_ = -1;
  if (socket_ < 0) return;
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
  watch_.emplace(executor, socket_);
  if (!watch_->is_watched()) end();
}

Wire::~Wire() { end(); }

void Wire::end() {
  if (!is_open()) return;
  watch_.reset();
  ::close(std::exchange(socket_, -1));
}

boost::asio::awaitable<bool> Wire::shake_hands() {
  for (;;) {
    const auto state = tls_->handshake();
    if (state == TlsSession::State::ok) co_return true;
    if (state == TlsSession::State::failed || state == TlsSession::State::end) co_return false;
    Direction& direction = state == TlsSession::State::wait_read ? watch_->in() : watch_->out();
    direction.not_ready();
    if (!co_await watch_->wait(direction) || !is_open()) co_return false;
  }
}

/// Less than was asked for is all there was (not under TLS, which reads by records).
long Wire::receive(char* into, std::size_t most) {
  if (!is_open()) return broken;
  if (tls_) {
    const auto moved = tls_->read(into, most);
    if (moved.bytes > 0) return static_cast<long>(moved.bytes);
    if (moved.state == TlsSession::State::failed) return broken;
    if (moved.state == TlsSession::State::end) return 0;
    watch_->in().not_ready();
    return nothing_now;
  }
  if (!watch_->in().is_ready()) return nothing_now;
  const long n = ::recv(socket_, into, most, MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return n == 0 ? 0 : broken;
  const bool emptied = n > 0 ? static_cast<std::size_t>(n) < most && !watch_->in().has_marks() : errno == EAGAIN;
  if (emptied) watch_->in().not_ready();
  return n > 0 ? n : nothing_now;
}

/// One record for a small answer; what is offered again after a wait is the same bytes.
long Wire::send_tls(const Parts& pieces, std::size_t skip) {
  constexpr std::size_t record = 16 << 10;
  Parts all = pieces;
  std::string together;
  if (pieces.size() <= record) {
    together.append(pieces.a).append(pieces.b).append(pieces.c);
    all = {together, {}, {}};
  }
  long sent = 0;
  for (std::string_view piece : {all.a, all.b, all.c}) {
    piece = rest_of(piece, skip);
    if (piece.empty()) continue;
    const auto moved = tls_->write(piece);
    sent += static_cast<long>(moved.bytes);
    if (moved.state == TlsSession::State::failed) return broken;
    if (moved.bytes < piece.size()) break;
  }
  return sent > 0 ? sent : nothing_now;
}

long Wire::send(const Parts& pieces, std::size_t skip) {
  if (!is_open()) return broken;
  const long n = tls_ ? send_tls(pieces, skip) : send_plain(pieces, skip);
  if (n == nothing_now) watch_->out().not_ready();
  return n;
}

long Wire::send_plain(const Parts& pieces, std::size_t skip) {
  std::array<iovec, 3> parts;
  std::size_t count = 0;
  for (std::string_view piece : {pieces.a, pieces.b, pieces.c}) {
    piece = rest_of(piece, skip);
    if (!piece.empty()) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  if (count == 1) return result_of(::send(socket_, parts[0].iov_base, parts[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL));
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  return result_of(::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/// The socket does not become readable for bytes that TLS has read ahead.
boost::asio::awaitable<bool> Wire::readable() {
  return watch_ ? watch_->wait(watch_->in(), tls_ && tls_->pending()) : not_waited();
}

boost::asio::awaitable<bool> Wire::writable() { return watch_ ? watch_->wait(watch_->out()) : not_waited(); }

bool Wire::is_at_rest(bool surely) {
  char one;
  if (watch_) watch_->look_anew(surely);
  return receive(&one, 1) == nothing_now;
}

bool Wire::has_input() { return (tls_ && tls_->pending()) || input() > 0; }

std::size_t Wire::input() const {
  int waiting = 0;
  return ::ioctl(socket_, FIONREAD, &waiting) == 0 && waiting > 0 ? static_cast<std::size_t>(waiting) : 0;
}

bool Wire::is_hung_up(bool reset_only) {
  if (!is_open()) return true;
  const short half = reset_only ? short{0} : short{POLLRDHUP};
  pollfd state{socket_, half, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (half | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

boost::asio::ip::address Wire::peer() const {
  boost::asio::ip::tcp::endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (::getpeername(socket_, endpoint.data(), &size) != 0) return {};
  return endpoint.address();
}

void Wire::interrupt() {
  if (watch_) watch_->interrupt();
}

void Wire::shut_down() {
  if (!is_open()) return;
  if (tls_) tls_->shut_down();
  ::shutdown(socket_, SHUT_WR);
}

void Wire::close() {
  if (is_open() && tls_) tls_->shut_down();
  end();
}

void Wire::reset() {
  if (!is_open()) return;
  const linger hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  end();
}

}  // namespace weir::net
