#pragma once
// For tests: an HTTP server that answers each request with exactly the bytes it is told, one connection after another.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::net {

class ScriptedServer {
 public:
  struct Request {
    int connection;  ///< from 1
    int number;      ///< from 1, over all connections
    std::string head, body;
  };
  struct Reply {
    std::string bytes;
    bool close = false;
  };
  using Script = std::function<Reply(const Request&)>;

  static Reply answer(int status, const std::string& body = "", const std::string& fields = "", bool close = false) {
    return {"HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
            close};
  }

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(listener_, 8);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    if (const int fd = current_; fd >= 0) ::shutdown(fd, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::vector<Request> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const { return connections_; }

  std::string address;

 private:
  void serve() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      current_ = fd;
      ++connections_;
      while (exchange(fd)) {
      }
      current_ = -1;
      ::close(fd);
    }
  }
  bool exchange(int fd) {
    Request request{connections_, 0, {}, {}};
    std::string input;
    std::size_t head = std::string::npos;
    while ((head = input.find("\r\n\r\n")) == input.npos)
      if (!more(fd, input)) return false;
    request.head = input.substr(0, head + 4);
    request.body = input.substr(head + 4);
    const auto field = request.head.find("Content-Length: ");
    const auto length = field == input.npos ? 0 : std::stoul(request.head.substr(field + 16));
    while (request.body.size() < length)
      if (!more(fd, request.body)) return false;
    {
      std::lock_guard lock(mutex_);
      request.number = static_cast<int>(requests_.size()) + 1;
      requests_.push_back(request);
    }
    const Reply reply = script_(request);
    (void)::send(fd, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
    return !reply.close;
  }
  static bool more(int fd, std::string& into) {
    char buffer[64 << 10];
    const long n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  Script script_;
  int listener_;
  std::atomic<int> current_{-1}, connections_{0};
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace weir::net
