#include "net/http_session.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/address.h"

namespace weir::net {
namespace {

constexpr Bytes max_head = 16_KiB;

std::unexpected<Error> unreachable(const std::string& address, int error) {
  return failure(
      fmt::format("{}: cannot connect: {}: is it running, and is this its address?", address, std::strerror(error)),
      Error::Kind::disconnected);
}

}  // namespace

Result<HttpAnswer> HttpSession::exchange(std::string_view head, std::string_view body) {
  bool kept = still_open();
  while (true) {
    if (!kept)
      if (auto connected = connect(); !connected) return std::unexpected(connected.error());
    ReplyReader reply(max_head, config_.max_body);
    const Trouble trouble = attempt(head, body, reply);
    last_used_ = context_.now();
    if (trouble == Trouble::none) return reply.take();
    close();
    if (!kept || trouble != Trouble::broken || reply.begun()) return wrong(trouble, reply);
    kept = false;
  }
}

void HttpSession::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

// Readable before we asked anything: closed, or an answer to nothing. Neither is of use.
bool HttpSession::still_open() {
  if (socket_ < 0) return false;
  if (context_.now() - last_used_ < config_.max_idle) {
    pollfd fd{socket_, POLLIN, 0};
    if (poll(&fd, 1, 0) == 0) return true;
  }
  close();
  return false;
}

Result<void> HttpSession::connect() {
  const auto endpoint = resolve(config_.address);
  if (!endpoint) return std::unexpected(Error{Error::Kind::disconnected, endpoint.error().message, Duration{0}});
  socket_ = ::socket(endpoint->data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return unreachable(config_.address, errno);
  ++connections_;
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, endpoint->data(), static_cast<socklen_t>(endpoint->size())) == 0) return {};
  if (errno == EINPROGRESS) return wait_connected();
  const int error = errno;
  close();
  return unreachable(config_.address, error);
}

Result<void> HttpSession::wait_connected() {
  int error = ETIMEDOUT;
  socklen_t size = sizeof error;
  if (wait(POLLOUT, context_.now() + config_.connect_timeout) != 0)
    if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return {};
  close();
  return unreachable(config_.address, error);
}

HttpSession::Trouble HttpSession::attempt(std::string_view head, std::string_view body, ReplyReader& reply) {
  const TimePoint deadline = context_.now() + config_.timeout;
  bool done = false, deaf = false;  // deaf: it takes no more, but may have answered
  while (!done) {
    const bool sending = !deaf && !(head.empty() && body.empty());
    if (sending) {
      deaf = send_some(head, body) == Trouble::broken;
      if (deaf) continue;
    }
    const bool more = !deaf && !(head.empty() && body.empty());
    const short ready = wait(static_cast<short>(POLLIN | (more ? POLLOUT : 0)), deadline);
    if (ready == 0) return Trouble::late;
    if (!(ready & ~POLLOUT)) continue;
    if (const Trouble trouble = receive_some(reply, done); trouble != Trouble::none) return trouble;
  }
  if (!reply.may_reuse() || !head.empty() || !body.empty()) close();
  return Trouble::none;
}

HttpSession::Trouble HttpSession::send_some(std::string_view& head, std::string_view& body) {
  while (!head.empty() || !body.empty()) {
    std::array<iovec, 2> pieces{
        {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const long n = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? Trouble::none : Trouble::broken;
    const auto of_head = std::min(static_cast<std::size_t>(n), head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(static_cast<std::size_t>(n) - of_head);
  }
  return Trouble::none;
}

HttpSession::Trouble HttpSession::receive_some(ReplyReader& reply, bool& done) {
  std::array<char, 16 << 10> buffer;
  const long n = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Trouble::none;
  if (n < 0) return Trouble::broken;
  const auto status = n == 0 ? reply.end() : reply.feed({buffer.data(), static_cast<std::size_t>(n)});
  done = status == ReplyReader::Status::done;
  if (n == 0 && !done) return Trouble::broken;
  return status == ReplyReader::Status::damaged ? Trouble::damaged : Trouble::none;
}

/// What is ready; 0: the deadline has passed.
short HttpSession::wait(short what, TimePoint deadline) const {
  while (true) {
    const Duration left = deadline - context_.now();
    if (left <= Duration{0}) return 0;
    pollfd fd{socket_, what, 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (poll(&fd, 1, static_cast<int>(std::min<long>(ms, 1 << 30))) > 0) return fd.revents;
  }
}

std::unexpected<Error> HttpSession::wrong(Trouble trouble, const ReplyReader& reply) const {
  const auto say = [&](std::string_view what) {
    return failure(fmt::format("{}: {}", config_.address, what), Error::Kind::disconnected);
  };
  switch (trouble) {
    case Trouble::late:
      return say(fmt::format("no answer within {:.3g} s: it is slow or stuck, or `timeout` is too short",
                             seconds(config_.timeout)));
    case Trouble::damaged: return say("the answer is not HTTP/1.1 as it should be: is this the right port?");
    default:
      return say(reply.begun() ? "the connection broke in the middle of the answer"
                               : "the connection broke before an answer came");
  }
}

}  // namespace weir::net
