#include "net/http_client.h"

#include <weir/base/context.h>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "net/dialer.h"
#include "net/http.h"

namespace weir::net {
namespace {

constexpr std::size_t most_reply = 64 << 20;

class Call {
 public:
  Call(const std::string& address, Duration timeout, const TlsContext* tls)
      : address_(address), tls_(tls), deadline_(context_.now() + timeout) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (socket_ >= 0) ::close(socket_);
  }

  Result<void> connect() {
    auto socket = Dialer(address_, context_).dial({.timeout = deadline_ - context_.now()});
    if (!socket) {
      Error error = std::move(socket.error());
      if (error.message.contains(": cannot connect: ")) error.message += ": is it running?";
      return std::unexpected(std::move(error));
    }
    socket_ = *socket;
    return tls_ ? shake_hands() : Result<void>{};
  }

  Result<void> send(std::string_view bytes) {
    if (session_) return send_tls(bytes);
    while (!bytes.empty()) {
      const long n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EINTR) return {};  // it may have answered and closed: read that
      if (n < 0)
        if (auto ready = wait(POLLOUT); !ready) return ready;
    }
    return {};
  }

  Result<std::string> receive() {
    if (session_) return receive_tls();
    std::string reply;
    for (;;) {
      char buffer[16 << 10];
      const long n = ::recv(socket_, buffer, sizeof buffer, 0);
      if (n == 0) return reply;
      if (n > 0) reply.append(buffer, static_cast<std::size_t>(n));
      if (reply.size() > most_reply) return too_long();
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return wrong(reply.empty() ? "the connection broke without a reply: does it speak HTTPS?"
                                   : "the connection broke");
      if (n < 0)
        if (auto ready = wait(POLLIN); !ready) return std::unexpected(ready.error());
    }
  }

 private:
  using State = TlsSession::State;

  Result<void> shake_hands() {
    const std::string host = address_.substr(0, address_.rfind(':'));
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    session_ = tls_->connect(socket_, bracketed ? host.substr(1, host.size() - 2) : host);
    for (State state = session_->handshake(); state != State::ok; state = session_->handshake())
      if (auto ready = wait_for(state); !ready) return ready;
    return {};
  }

  /// An error if there is nothing to wait for any longer.
  Result<void> wait_for(State state) {
    if (state == State::wait_read || state == State::wait_write)
      return wait(state == State::wait_read ? POLLIN : POLLOUT);
    return failure(fmt::format("{}: {}", address_, state == State::end ? "the connection was closed" : session_->why()),
                   Error::Kind::disconnected);
  }

  Result<void> send_tls(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto moved = session_->write(bytes);
      bytes.remove_prefix(moved.bytes);
      if (bytes.empty() || moved.state == State::ok) continue;
      if (moved.state == State::failed || moved.state == State::end) return {};  // it may have answered and closed
      if (auto ready = wait_for(moved.state); !ready) return ready;
    }
    return {};
  }

  Result<std::string> receive_tls() {
    std::string reply;
    for (;;) {
      char buffer[16 << 10];
      const auto moved = session_->read(buffer, sizeof buffer);
      reply.append(buffer, moved.bytes);
      if (reply.size() > most_reply) return too_long();
      if (moved.state == State::end) return reply;
      if (moved.state == State::ok) continue;
      if (auto ready = wait_for(moved.state); !ready) return std::unexpected(ready.error());
    }
  }

  std::unexpected<Error> too_long() const { return failure(address_ + ": the reply is above 64 MiB: ask for less"); }

  Result<void> wait(short what) {
    const Duration left = deadline_ - context_.now();
    if (left > Duration{0}) {
      pollfd fd{socket_, what, 0};
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
      if (poll(&fd, 1, static_cast<int>(std::min<long>(ms, 1 << 30))) != 0) return {};
    }
    return failure(address_ + ": no reply in time: it may be stuck, or the address be another program's",
                   Error::Kind::disconnected);
  }
  std::unexpected<Error> wrong(std::string_view what) const {
    const int error = errno;
    return failure(fmt::format("{}: {} ({})", address_, what, std::strerror(error)), Error::Kind::disconnected);
  }

  const std::string& address_;
  const TlsContext* tls_;
  Context context_;
  TimePoint deadline_;
  int socket_ = -1;
  std::unique_ptr<TlsSession> session_;  // before its socket
};

/// The number of a Content-Length line, if the head has one.
std::optional<std::size_t> length_of(std::string_view fields) {
  Head head;
  head.fields = fields;
  const std::string_view text = head.header("Content-Length");
  std::size_t length = 0;
  if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), length).ec != std::errc{}) return {};
  return length;
}

Result<HttpReply> parse(const std::string& address, const std::string& text, bool bodyless) {
  const std::string_view view = text;
  const auto head = view.find("\r\n\r\n");
  HttpReply reply;
  if (!view.starts_with("HTTP/1.") || view.size() < 12 || head == view.npos ||
      std::from_chars(text.data() + 9, text.data() + 12, reply.status).ec != std::errc{})
    return failure(address + ": the reply is not HTTP: is this the right port, and does it speak HTTPS?");
  reply.body = view.substr(head + 4);
  const auto length = length_of(view.substr(view.find('\n') + 1, head + 2 - view.find('\n') - 1));
  if (!bodyless && length && reply.body.size() < *length)
    return failure(address + ": the connection broke in the middle of the reply", Error::Kind::disconnected);
  return reply;
}

}  // namespace

Result<HttpReply> http_request(const std::string& method, const std::string& address, const std::string& path,
                               const std::string& body, Duration timeout, const std::string& token,
                               const TlsContext* tls) {
  Call call(address, timeout, tls);
  if (auto connected = call.connect(); !connected) return std::unexpected(connected.error());
  std::string request = fmt::format("{} {} HTTP/1.0\r\nHost: {}\r\n", method, path, address);
  if (!body.empty() || method == "POST" || method == "PUT")
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  if (!token.empty()) request += fmt::format("Authorization: Bearer {}\r\n", token);
  request += "\r\n" + body;
  if (auto sent = call.send(request); !sent) return std::unexpected(sent.error());
  auto reply = call.receive();
  if (!reply) return std::unexpected(reply.error());
  return parse(address, *reply, method == "HEAD");
}

Result<std::string> http_get(const std::string& address, const std::string& path, Duration timeout,
                             const std::string& token, const TlsContext* tls) {
  auto reply = http_request("GET", address, path, {}, timeout, token, tls);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status / 100 == 2) return std::move(reply->body);
  return failure(fmt::format("{}{} answered {}: {}", address, path, reply->status,
                             reply->body.substr(0, std::min<std::size_t>(reply->body.find('\n'), 500))),
                 reply->status == 401 ? Error::Kind::unsupported : Error::Kind::failed);
}

}  // namespace weir::net
