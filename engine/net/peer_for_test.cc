#include "net/peer_for_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::net {

bool PeerConnection::answer(std::string_view body, std::string_view fields) {
  std::string out =
      "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return send(out.append(body));
}

TestPeer::TestPeer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
  ::listen(listener_, 64);
  socklen_t size = sizeof at;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
  address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  acceptor_ = std::thread([this] { accept(); });
}

TestPeer::~TestPeer() {
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

void TestPeer::accept() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    const int number = ++count_;
    const std::lock_guard lock(mutex_);
    One& one = connections_.emplace_back(fd, std::thread());
    one.thread = std::thread([this, &one, number] { serve(one, number); });
  }
}

void TestPeer::serve(One& one, int number) {
  std::unique_lock lock(mutex_);
  PeerConnection connection(one.fd);
  lock.unlock();
  script_(connection, number);
  lock.lock();
  ::close(std::exchange(one.fd, -1));
  ++closed_;
}

ScriptedServer::Reply ScriptedServer::answer(int status, const std::string& body, const std::string& fields,
                                             bool close) {
  return {"HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body,
          close};
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)),
      peer_([this](PeerConnection& connection, int number) {
        while (exchange(connection, number)) {
        }
      }),
      address(peer_.address) {}

std::vector<ScriptedServer::Request> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedServer::exchange(PeerConnection& connection, int number) {
  Request request{number, 0, connection.head(), {}};
  if (request.head.empty()) return false;
  const auto field = request.head.find("Content-Length: ");
  const std::size_t length = field == request.head.npos ? 0 : std::stoul(request.head.substr(field + 16));
  request.body = connection.bytes(length);
  if (request.body.size() < length) return false;
  {
    const std::lock_guard lock(mutex_);
    request.number = static_cast<int>(requests_.size()) + 1;
    requests_.push_back(request);
  }
  const Reply reply = script_(request);
  return connection.send(reply.bytes) && !reply.close;
}

}  // namespace weir::net
