#include "net/wire.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace weir::net {
namespace {

using ErrorCode = boost::system::error_code;

/// Takes the first `skip` bytes off; what was taken off is no longer to be skipped.
std::string_view rest_of(std::string_view piece, std::size_t& skip) {
  const std::size_t before = std::min(skip, piece.size());
  skip -= before;
  return piece.substr(before);
}

}  // namespace

boost::asio::awaitable<bool> Wire::shake_hands() {
  for (;;) {
    const auto state = tls_->handshake();
    if (state == TlsSession::State::ok) co_return true;
    if (state == TlsSession::State::failed || state == TlsSession::State::end) co_return false;
    const auto what = state == TlsSession::State::wait_read ? Socket::wait_read : Socket::wait_write;
    ErrorCode error;
    co_await socket_.async_wait(what, boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error || !socket_.is_open()) co_return false;
  }
}

long Wire::receive(char* into, std::size_t most) {
  if (!socket_.is_open()) return broken;
  if (tls_) {
    const auto moved = tls_->read(into, most);
    if (moved.bytes > 0) return static_cast<long>(moved.bytes);
    if (moved.state == TlsSession::State::failed) return broken;
    return moved.state == TlsSession::State::end ? 0 : nothing_now;
  }
  const long n = ::recv(socket_.native_handle(), into, most, MSG_DONTWAIT);
  if (n >= 0) return n;
  return errno == EAGAIN || errno == EINTR ? nothing_now : broken;
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
  if (!socket_.is_open()) return broken;
  if (tls_) return send_tls(pieces, skip);
  std::array<iovec, 3> parts;
  std::size_t count = 0;
  for (std::string_view piece : {pieces.a, pieces.b, pieces.c}) {
    piece = rest_of(piece, skip);
    if (!piece.empty()) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const long n = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n >= 0) return n;
  return errno == EAGAIN || errno == EINTR ? nothing_now : broken;
}

/// The socket does not become readable for bytes that TLS has read ahead.
boost::asio::awaitable<ErrorCode> Wire::readable() {
  ErrorCode error;
  if (tls_ && tls_->pending())
    co_await boost::asio::post(socket_.get_executor(), boost::asio::use_awaitable);
  else
    co_await socket_.async_wait(Socket::wait_read, boost::asio::redirect_error(boost::asio::use_awaitable, error));
  co_return error;
}

boost::asio::awaitable<ErrorCode> Wire::writable() {
  ErrorCode error;
  co_await socket_.async_wait(Socket::wait_write, boost::asio::redirect_error(boost::asio::use_awaitable, error));
  co_return error;
}

bool Wire::has_input() { return (tls_ && tls_->pending()) || input() > 0; }

std::size_t Wire::input() const {
  int waiting = 0;
  const int fd = const_cast<Socket&>(socket_).native_handle();
  return ::ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0 ? static_cast<std::size_t>(waiting) : 0;
}

bool Wire::is_hung_up(bool reset_only) {
  if (!socket_.is_open()) return true;
  const short half = reset_only ? short{0} : short{POLLRDHUP};
  pollfd state{socket_.native_handle(), half, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (half | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void Wire::interrupt() {
  ErrorCode ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
}

void Wire::shut_down() {
  if (tls_) tls_->shut_down();
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Wire::close() {
  if (!socket_.is_open()) return;
  if (tls_) tls_->shut_down();
  ErrorCode ignored;
  socket_.close(ignored);
}

void Wire::reset() {
  if (!socket_.is_open()) return;
  const linger hard{1, 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace weir::net
