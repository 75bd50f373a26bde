/// Sending: one system call for a whole answer as long as the socket takes it, and waiting only for the rest.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "net/field_lines.h"
#include "net/http_connection.h"

namespace weir::net {
namespace {

constexpr std::uint64_t worth_draining = 64 << 10;

boost::asio::awaitable<bool> at_once(bool done) { co_return done; }

}  // namespace

/// From here on it is the client that is waited for.
void Connection::begin_answer() {
  WEIR_CHECK(answer_ == Answer::none);
  paused_ = false;
  in_.restart();
  out_.restart();
}

/// Whether the next request can be found behind this one's body.
bool Connection::may_keep_alive(bool asked_to_close) {
  if (asked_to_close || !head().keep_alive || server_.draining || server_.stopping || gone_) return false;
  if (reading_ || not_to_read_) return parser_.body_done();  // what has come belongs to who reads
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
  const Parts pieces{server_.scratch, with_body ? std::string_view(response.body) : std::string_view{}, {}};
  std::size_t sent = 0;
  const auto done = send_now(pieces, sent);
  co_return done ? *done : co_await send_rest(pieces, sent);
}

/// These are no coroutines, because most of what they send need not wait: what would wait is one.
boost::asio::awaitable<bool> Connection::start(AnswerStart answer) {
  begin_answer();
  const bool with_body = head().method != "HEAD" && may_have_body(answer.status);
  if (answer.length)
    framing_ = Framing::length;
  else
    framing_ = head().version == 10 ? Framing::until_close : Framing::chunked;
  keep_ = may_keep_alive(answer.close || framing_ == Framing::until_close);
  answer_ = Answer::streaming;
  answer_left_ = with_body ? answer.length.value_or(0) : 0;
  std::string& out = server_.scratch;
  out.clear();
  append_head(out, {.status = answer.status,
                    .content_type = answer.content_type,
                    .framing = framing_,
                    .length = answer.length.value_or(0),
                    .keep_alive = keep_,
                    .version = head().version,
                    .retry_after = {},
                    .extra_headers = answer.fields});
  if (!with_body) framing_ = Framing::length;  // pieces go nowhere
  WEIR_CHECK(answer.first.size() <= answer.length.value_or(0));
  if (!with_body) answer.first = {};
  answer_left_ -= answer.first.size();
  return send({out, answer.first, {}});
}

boost::asio::awaitable<bool> Connection::write(std::string_view piece) {
  WEIR_CHECK(answer_ == Answer::streaming);
  if (gone_) return at_once(false);
  if (framing_ == Framing::length) {
    piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), answer_left_)));
    answer_left_ -= piece.size();
  }
  if (piece.empty()) return at_once(true);  // an empty chunk would end the answer
  Parts pieces{{}, piece, {}};
  if (framing_ == Framing::chunked) {
    server_.scratch.clear();
    fmt::format_to(std::back_inserter(server_.scratch), "{:x}\r\n", piece.size());
    pieces = {server_.scratch, piece, "\r\n"};
  }
  return send(pieces);
}

boost::asio::awaitable<bool> Connection::switch_protocols(std::string_view fields) {
  begin_answer();
  answer_ = Answer::streaming;
  framing_ = Framing::until_close;
  switched_ = true;
  keep_ = false;
  const Parts pieces{"HTTP/1.1 101 Switching Protocols\r\n", fields, "\r\n"};
  return send(pieces);
}

boost::asio::awaitable<bool> Connection::finish(std::string_view trailers) {
  WEIR_CHECK(answer_ == Answer::streaming);
  if (gone_) return at_once(false);
  if (framing_ == Framing::length && answer_left_ > 0) {
    abort();
    return at_once(false);
  }
  answer_ = Answer::complete;
  if (framing_ != Framing::chunked) return at_once(true);
  if (!has_token(head().header("TE"), "trailers")) trailers = {};
  const Parts end{"0\r\n", trailers, "\r\n"};
  return send(end);
}

void Connection::abort() {
  wire_.reset();
  gone_ = true;
}

boost::asio::awaitable<bool> Connection::inform(int status, std::string_view fields) {
  WEIR_CHECK(answer_ == Answer::none && status >= 100 && status < 200);
  if (head().version < 11) return at_once(!gone_);
  server_.scratch = fmt::format("HTTP/1.1 {} Information\r\n", status);
  const Parts pieces{server_.scratch, fields, "\r\n"};
  return send(pieces);
}

/// `pieces.a` may lie in the server's scratch.
boost::asio::awaitable<bool> Connection::send(Parts pieces) {
  std::size_t sent = 0;
  const auto done = send_now(pieces, sent);
  return done ? at_once(*done) : send_rest(pieces, sent);
}

/// Nothing: some of it has to wait for the client.
std::optional<bool> Connection::send_now(const Parts& pieces, std::size_t& sent) {
  if (gone_) return false;
  const long n = try_send(pieces, 0);
  sent = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (gone_) return false;
  if (sent == pieces.size()) return true;
  return std::nullopt;
}

long Connection::try_send(const Parts& pieces, std::size_t skip) {
  const long n = wire_.send(pieces, skip);
  if (n > 0) server_.bytes_out.add(static_cast<std::uint64_t>(n));
  if (n == Wire::broken && !gone_) server_.gone.add();
  gone_ = gone_ || n == Wire::broken;
  return n;
}

boost::asio::awaitable<bool> Connection::send_rest(Parts pieces, std::size_t sent) {
  const std::string own(pieces.a);  // other connections use the scratch buffer during the wait
  pieces.a = own;
  const std::size_t total = pieces.size();
  while (sent < total) {
    sending_ = true;
    (void)co_await wire_.writable();
    sending_ = false;
    if (gone_) co_return false;
    const long n = try_send(pieces, sent);
    if (gone_) co_return false;
    if (n <= 0) continue;
    if (!server_.stopping) out_.moved(static_cast<std::size_t>(n));
    sent += static_cast<std::size_t>(n);
  }
  co_return true;
}

}  // namespace weir::net
