#pragma once
// For tests: a server that does to each of its connections exactly what a script says, byte for byte, in a thread each.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace weir::net {

/// One connection, as the script sees it. Every wait ends after ten seconds.
class PeerConnection {
 public:
  explicit PeerConnection(int fd) : fd_(fd) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  /// Up to and with `end`; "" when the client closed before.
  std::string read_to(std::string_view end) {
    std::size_t at = std::string::npos;
    while ((at = input_.find(end)) == std::string::npos)
      if (!more()) return {};
    std::string out = input_.substr(0, at + end.size());
    input_.erase(0, out.size());
    return out;
  }
  std::string head() { return read_to("\r\n\r\n"); }
  std::string bytes(std::size_t n) {
    while (input_.size() < n)
      if (!more()) break;
    std::string out = input_.substr(0, n);
    input_.erase(0, out.size());
    return out;
  }
  /// How many came until the client closed; of a body that is too large to keep.
  std::size_t count_to_the_end() {
    std::size_t sum = input_.size();
    input_.clear();
    while (more()) {
      sum += input_.size();
      input_.clear();
    }
    return sum;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool answer(std::string_view body, std::string_view fields = {}) {
    std::string out =
        "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return send(out.append(body));
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  bool more() {
    char buffer[64 << 10];
    const long n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) input_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }
  int fd_;
  std::string input_;
};

class TestPeer {
 public:
  /// `number`: of the connection, from 1. It is closed when the script returns.
  using Script = std::function<void(PeerConnection&, int number)>;

  explicit TestPeer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(listener_, 64);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    acceptor_ = std::thread([this] { accept(); });
  }
  TestPeer(const TestPeer&) = delete;
  ~TestPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (auto& c : connections_)
        if (c.fd >= 0) ::shutdown(c.fd, SHUT_RDWR);
    }
    for (auto& c : connections_) c.thread.join();
  }
  int connections() const { return count_; }

  std::string address;

 private:
  struct One {
    int fd;
    std::thread thread;
  };
  void accept() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const int number = ++count_;
      const std::lock_guard lock(mutex_);
      One& one = connections_.emplace_back(fd, std::thread());
      one.thread = std::thread([this, fd, number, &one] {
        PeerConnection connection(fd);
        script_(connection, number);
        const std::lock_guard closing(mutex_);
        ::close(fd);
        one.fd = -1;
      });
    }
  }
  Script script_;
  int listener_;
  std::atomic<int> count_{0};
  std::mutex mutex_;
  std::list<One> connections_;
  std::thread acceptor_;
};

}  // namespace weir::net
