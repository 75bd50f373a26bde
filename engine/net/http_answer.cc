/// Sending: one system call for a whole answer as long as the socket takes it, and waiting only for the rest.
#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

#include "net/http_connection.h"

namespace weir::net {
namespace {

using ErrorCode = boost::system::error_code;
constexpr std::uint64_t worth_draining = 64 << 10;

}  // namespace

/// From here on it is the client that is waited for.
void Connection::begin_answer() {
  WEIR_CHECK(answer_ == Answer::none);
  paused_ = false;
  waited_ = Duration{0};
  progress_ = 0;
}

/// Whether the next request can be found behind this one's body.
bool Connection::may_keep_alive(bool asked_to_close) {
  if (asked_to_close || !head().keep_alive || server_.draining || server_.stopping || gone_) return false;
  if (failed_ && *failed_ != Reason::too_large && *failed_ != Reason::unsupported_encoding) return false;
  if (parser_.body_done()) return true;
  if (!continued_) return false;  // the client may send the body or leave it out, and the server cannot tell
  return head().chunked ? discard_buffered() : parser_.body_left() <= worth_draining;
}

boost::asio::awaitable<bool> Connection::respond(Response response) {
  begin_answer();
  keep_ = may_keep_alive(response.close);
  answer_ = Answer::complete;
  server_.scratch.clear();
  append_head(server_.scratch, {.status = response.status,
                                .content_type = response.body.empty() ? std::string_view{} : response.content_type,
                                .framing = Framing::length,
                                .length = response.body.size(),
                                .keep_alive = keep_,
                                .version = head().version,
                                .retry_after = response.retry_after,
                                .extra_headers = response.extra_headers});
  const bool with_body = head().method != "HEAD" && may_have_body(response.status);
  const AnswerParts pieces{server_.scratch, with_body ? std::string_view(response.body) : std::string_view{}, {}};
  std::size_t sent = 0;
  if (const auto done = send_now(pieces, sent)) co_return *done;
  std::string own = server_.scratch;
  co_return co_await send_rest(std::move(own), pieces, sent);
}

boost::asio::awaitable<bool> Connection::start(int status, std::string_view content_type) {
  begin_answer();
  framing_ = head().version == 10 ? Framing::until_close : Framing::chunked;
  keep_ = may_keep_alive(framing_ == Framing::until_close);
  answer_ = Answer::streaming;
  std::string& out = server_.scratch;
  out.clear();
  append_head(out, {.status = status,
                    .content_type = content_type,
                    .framing = framing_,
                    .keep_alive = keep_,
                    .version = head().version,
                    .retry_after = {}});
  if (head().method == "HEAD" || !may_have_body(status)) framing_ = Framing::length;  // pieces go nowhere
  const AnswerParts pieces{out, {}, {}};
  co_return co_await send(pieces);
}

boost::asio::awaitable<bool> Connection::write(std::string_view piece) {
  WEIR_CHECK(answer_ == Answer::streaming);
  if (gone_) co_return false;
  if (piece.empty() || framing_ == Framing::length) co_return true;  // an empty chunk would end the answer
  AnswerParts pieces{{}, piece, {}};
  if (framing_ == Framing::chunked) {
    server_.scratch.clear();
    fmt::format_to(std::back_inserter(server_.scratch), "{:x}\r\n", piece.size());
    pieces = {server_.scratch, piece, "\r\n"};
  }
  co_return co_await send(pieces);
}

boost::asio::awaitable<bool> Connection::finish() {
  WEIR_CHECK(answer_ == Answer::streaming);
  answer_ = Answer::complete;
  if (gone_) co_return false;
  if (framing_ != Framing::chunked) co_return true;
  const AnswerParts end{"0\r\n\r\n", {}, {}};
  co_return co_await send(end);
}

/// `pieces.a` may lie in the server's scratch.
boost::asio::awaitable<bool> Connection::send(AnswerParts pieces) {
  std::size_t sent = 0;
  if (const auto done = send_now(pieces, sent)) co_return *done;
  std::string own(pieces.a);
  co_return co_await send_rest(std::move(own), pieces, sent);
}

/// Nothing: some of it has to wait for the client.
std::optional<bool> Connection::send_now(const AnswerParts& pieces, std::size_t& sent) {
  if (gone_) return false;
  const long n = try_send(pieces, 0);
  sent = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (gone_) return false;
  if (sent == pieces.a.size() + pieces.b.size() + pieces.c.size()) return true;
  return std::nullopt;
}

/// One record for a small answer; what is offered again after a wait is the same bytes, as OpenSSL demands.
long Connection::try_send_tls(const AnswerParts& pieces, std::size_t skip) {
  constexpr std::size_t record = 16 << 10;
  AnswerParts all = pieces;
  std::string together;
  if (pieces.a.size() + pieces.b.size() + pieces.c.size() <= record) {
    together.append(pieces.a).append(pieces.b).append(pieces.c);
    all = {together, {}, {}};
  }
  std::size_t sent = 0;
  for (std::string_view piece : {all.a, all.b, all.c}) {
    const std::size_t before = std::min(skip, piece.size());
    skip -= before;
    piece.remove_prefix(before);
    if (piece.empty()) continue;
    const auto moved = tls_->write(piece);
    sent += moved.bytes;
    if (moved.state == TlsSession::State::failed && !std::exchange(gone_, true)) server_.gone.add();
    if (moved.bytes < piece.size()) break;
  }
  server_.bytes_out.add(sent);
  return sent > 0 ? static_cast<long>(sent) : -1;
}

long Connection::try_send(const AnswerParts& pieces, std::size_t skip) {
  if (tls_) return try_send_tls(pieces, skip);
  std::array<iovec, 3> parts;
  std::size_t count = 0;
  for (std::string_view piece : {pieces.a, pieces.b, pieces.c}) {
    const std::size_t gone = std::min(skip, piece.size());
    skip -= gone;
    piece.remove_prefix(gone);
    if (!piece.empty()) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const long n = sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n > 0) server_.bytes_out.add(static_cast<std::uint64_t>(n));
  if (n < 0 && errno != EAGAIN && errno != EINTR) {
    if (!gone_) server_.gone.add();
    gone_ = true;
  }
  return n;
}

boost::asio::awaitable<bool> Connection::send_rest(std::string own, AnswerParts pieces, std::size_t sent) {
  pieces.a = own;  // other connections use the scratch buffer during the wait
  const std::size_t total = pieces.a.size() + pieces.b.size() + pieces.c.size();
  while (sent < total) {
    become(Phase::answer);
    ErrorCode error;
    co_await socket_.async_wait(Socket::wait_write, boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error || gone_) co_return false;
    const long n = try_send(pieces, sent);
    if (gone_) co_return false;
    if (n <= 0) continue;
    progress(static_cast<std::size_t>(n));
    sent += static_cast<std::size_t>(n);
  }
  become(Phase::ours);
  co_return true;
}

}  // namespace weir::net
