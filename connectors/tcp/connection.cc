#include "connection.h"

#include <sys/socket.h>

#include <cerrno>

namespace weir::tcp {
namespace {

Connection::Moved receive(int fd, char* into, std::size_t most, int flags) {
  const long n = ::recv(fd, into, most, MSG_DONTWAIT | flags);
  if (n == 0) return {0, Connection::State::end};
  if (n > 0) {
    const auto bytes = static_cast<std::size_t>(n);
    return {bytes, bytes == most ? Connection::State::ok : Connection::State::wait_read};
  }
  return {0, errno == EAGAIN || errno == EINTR ? Connection::State::wait_read : Connection::State::failed};
}

}  // namespace

Connection::Moved Connection::read(char* into, std::size_t most) {
  return tls ? tls->read(into, most) : receive(socket.native_handle(), into, most, 0);
}

Connection::Moved Connection::peek(char* into, std::size_t most) {
  return tls ? tls->peek(into, most) : receive(socket.native_handle(), into, most, MSG_PEEK);
}

void Connection::close() {
  closed = true;
  if (tls) tls->shut_down();
  boost::system::error_code ignored;
  socket.close(ignored);
}

}  // namespace weir::tcp
