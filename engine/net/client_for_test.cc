#include "net/client_for_test.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace weir::net {

TestSocket::TestSocket(int fd) : fd_(fd) {
  const timeval limit{longest_wait.count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool TestSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::size_t TestSocket::send_now(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const long n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

std::string TestSocket::read_to(std::string_view end) {
  std::size_t at = std::string::npos;
  while ((at = input_.find(end)) == std::string::npos)
    if (!more()) return {};
  return take(at + end.size());
}

std::string TestSocket::bytes(std::size_t n) {
  while (input_.size() < n)
    if (!more()) break;
  return take(n);
}

std::string TestSocket::rest() {
  while (more()) {
  }
  return std::exchange(input_, {}) + (was_reset_ ? "RESET" : "");
}

std::size_t TestSocket::count_to_the_end() {
  std::size_t sum = std::exchange(input_, {}).size();
  while (more()) sum += std::exchange(input_, {}).size();
  return sum;
}

bool TestSocket::is_closed() const {
  char byte = 0;
  const long n = ::recv(fd_, &byte, 1, MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN);
}

void TestSocket::half_close() { ::shutdown(fd_, SHUT_WR); }

void TestSocket::end_with_reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

bool TestSocket::more() {
  char buffer[64 << 10];
  const long n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n > 0) input_.append(buffer, static_cast<std::size_t>(n));
  if (n < 0) {
    was_reset_ = errno == ECONNRESET;
    if (errno == EAGAIN) on_nothing();
  }
  return n > 0;
}

std::string TestSocket::take(std::size_t n) {
  std::string out = input_.substr(0, n);
  input_.erase(0, out.size());
  return out;
}

TestClient::TestClient(const std::string& address, Options options)
    : TestSocket(options.socket >= 0 ? options.socket : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto set = [&](int name, int value) {
    if (value) ::setsockopt(fd_, SOL_SOCKET, name, &value, sizeof value);
  };
  set(SO_RCVBUF, options.receive_buffer);
  set(SO_SNDBUF, options.send_buffer);
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  EXPECT_TRUE(connected || options.may_be_refused) << address;
}

void TestClient::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string TestClient::answer(bool bodyless) {
  while (input_.find("\r\n\r\n") == input_.npos)
    if (!more()) return std::exchange(input_, {});
  const auto head = input_.find("\r\n\r\n") + 4;
  const auto field = input_.substr(0, head).find("Content-Length: ");
  const std::size_t body = field != input_.npos && !bodyless ? std::stoul(input_.substr(field + 16)) : 0;
  return bytes(head + body);
}

std::string TestClient::some() {
  if (!input_.empty()) return std::exchange(input_, {});
  more();
  return std::exchange(input_, {});
}

void TestClient::on_nothing() {
  ADD_FAILURE() << "nothing came in " << longest_wait.count() << " s; so far: " << input_.substr(0, 500);
}

}  // namespace weir::net
