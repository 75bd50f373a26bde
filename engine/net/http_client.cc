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
  Call(const std::string& address, Duration timeout) : address_(address), deadline_(context_.now() + timeout) {}
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
    return {};
  }

  Result<void> send(std::string_view bytes) {
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
    std::string reply;
    for (;;) {
      char buffer[16 << 10];
      const long n = ::recv(socket_, buffer, sizeof buffer, 0);
      if (n == 0) return reply;
      if (n > 0) reply.append(buffer, static_cast<std::size_t>(n));
      if (reply.size() > most_reply) return failure(address_ + ": the reply is above 64 MiB: ask for less");
      if (n < 0 && errno != EAGAIN && errno != EINTR) return wrong("the connection broke");
      if (n < 0)
        if (auto ready = wait(POLLIN); !ready) return std::unexpected(ready.error());
    }
  }

 private:
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
  Context context_;
  TimePoint deadline_;
  int socket_ = -1;
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
    return failure(address + ": the reply is not HTTP: is this the right port?");
  reply.body = view.substr(head + 4);
  const auto length = length_of(view.substr(view.find('\n') + 1, head + 2 - view.find('\n') - 1));
  if (!bodyless && length && reply.body.size() < *length)
    return failure(address + ": the connection broke in the middle of the reply", Error::Kind::disconnected);
  return reply;
}

}  // namespace

Result<HttpReply> http_request(const std::string& method, const std::string& address, const std::string& path,
                               const std::string& body, Duration timeout, const std::string& token) {
  Call call(address, timeout);
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
                             const std::string& token) {
  auto reply = http_request("GET", address, path, {}, timeout, token);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status / 100 == 2) return std::move(reply->body);
  return failure(fmt::format("{}{} answered {}: {}", address, path, reply->status,
                             reply->body.substr(0, std::min<std::size_t>(reply->body.find('\n'), 500))),
                 reply->status == 401 ? Error::Kind::unsupported : Error::Kind::failed);
}

}  // namespace weir::net
