#pragma once
// For tests: a client that says exactly which bytes.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace weir::net {

/// Blocking, with a limit of ten seconds on every wait.
class TestClient {
 public:
  /// `socket`: one made earlier, when there were descriptors left.
  explicit TestClient(const std::string& address, int receive_buffer = 0, int socket = -1) : fd_(socket) {
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    if (fd_ < 0) fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  template <typename Server>
    requires requires(const Server& server) { server.address.size(); }
  explicit TestClient(const Server& server, int receive_buffer = 0, int socket = -1)
      : TestClient(server.address, receive_buffer, socket) {}
  TestClient(const TestClient&) = delete;
  ~TestClient() { close(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // refused: the answer says why
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// As much as the connection takes now; for a server that does not read.
  std::size_t send_now(std::string_view bytes) {
    const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  /// One answer, head and body by its Content-Length (or to the end, without one).
  std::string answer(bool bodyless = false) {
    while (input_.find("\r\n\r\n") == input_.npos)
      if (!more()) return std::exchange(input_, {});
    const auto head = input_.find("\r\n\r\n") + 4;
    const auto field = input_.substr(0, head).find("Content-Length: ");
    std::size_t size = head;
    if (field != input_.npos && !bodyless) size += std::stoul(input_.substr(field + 16));
    while (input_.size() < size)
      if (!more()) break;
    std::string out = input_.substr(0, size);
    input_.erase(0, size);
    return out;
  }
  /// Whatever comes next; "" when the server closed.
  std::string some() {
    more();
    return std::exchange(input_, {});
  }
  /// Everything until the server closes; "RESET" at the end when it did so rudely.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(input_, {}) + (reset_ ? "RESET" : "");
  }
  bool closed() { return rest().empty(); }
  void forget() { std::string().swap(input_); }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  int fd() const { return fd_; }
  void reset() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  bool more() {
    char buffer[64 << 10];
    const long n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) input_.append(buffer, static_cast<std::size_t>(n));
    if (n < 0) {
      reset_ = errno == ECONNRESET;
      if (errno == EAGAIN) ADD_FAILURE() << "nothing came in ten seconds; so far: " << input_.substr(0, 500);
    }
    return n > 0;
  }
  int fd_ = -1;
  bool reset_ = false;
  std::string input_;
};

}  // namespace weir::net
