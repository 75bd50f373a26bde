/// Receiving: pieces by credit, deadlines, limits, and what happens to a body that the handler does not read.
#include <algorithm>
#include <cstring>
#include <limits>

#include "net/http_connection.h"

namespace weir::net {
namespace {

constexpr std::uint64_t most_drained = 64 << 10;
constexpr std::uint8_t reads_in_a_row = 8;  // then other connections get their turn

}  // namespace

boost::asio::awaitable<Admitted<std::string_view>> Connection::read_body(Bytes credit) {
  WEIR_CHECK(credit.count() > 0);
  end_piece();
  if (failed_) co_return rejected(*failed_);
  if (not_to_read_) co_return fail(Reason::client_gone);
  if (is_plain() && head().content_length && head().content_length->count() > body_limit_)
    co_return fail(Reason::too_large);
  if (!continued_) {
    continued_ = true;
    const Parts go_on{"HTTP/1.1 100 Continue\r\n\r\n", {}, {}};
    if (!parser_.body_done() && rest_.empty() && !co_await send(go_on)) co_return fail(Reason::client_gone);
  }
  for (;;) {
    if (auto piece = next_piece(credit.count())) co_return *piece;
    reading_ = true;
    const bool more = co_await more_body(credit.count());
    reading_ = false;
    if (!more || not_to_read_) co_return fail(timed_out_ ? Reason::body_timeout : Reason::client_gone);
  }
}

/// What comes, as it comes; empty: the client sends no more.
boost::asio::awaitable<Admitted<std::string_view>> Connection::read_switched(Bytes credit) {
  const auto most = static_cast<std::size_t>(credit.count());
  end_piece();
  if (failed_ || not_to_read_) co_return fail(Reason::client_gone);
  for (;;) {
    if (!rest_.empty()) {
      const auto piece = rest_.substr(0, most);
      rest_.remove_prefix(piece.size());
      co_return piece;
    }
    if (!piece_) piece_ = server_.pieces.take();
    const long n = receive(piece_.get(), std::min(most, server_.pieces.size()));
    if (n > 0) co_return std::string_view(piece_.get(), static_cast<std::size_t>(n));
    server_.pieces.give(std::move(piece_));
    if (n == 0) co_return std::string_view{};
    reading_ = true;
    const bool more = !gone_ && co_await wait_readable(Phase::ours);
    reading_ = false;
    if (!more || not_to_read_) co_return fail(Reason::client_gone);
  }
}

void Connection::stop_reading() {
  not_to_read_ = true;
  if (reading_) wire_.interrupt();
}

std::unexpected<Rejection> Connection::fail(Reason reason) {
  failed_ = reason;
  if (reason == Reason::bad_request) server_.bad.add();
  return rejected(reason);
}

/// A piece of what has been read already; nothing when more has to be read.
std::optional<Admitted<std::string_view>> Connection::next_piece(std::size_t most) {
  if (!is_plain()) return next_inflated(most);
  const auto piece = parser_.parse_body(rest_, most);
  rest_.remove_prefix(piece.consumed);
  if (piece.status == RequestParser::Status::bad_request) return fail(Reason::bad_request);
  if (piece.status == RequestParser::Status::done) return std::string_view{};
  if (piece.data.empty()) return std::nullopt;
  return checked(piece.data);
}

std::optional<Admitted<std::string_view>> Connection::next_inflated(std::size_t most) {
  if (!gzip_) gzip_ = std::make_unique<GzipReader>();
  for (;;) {
    std::string_view out;
    const auto status = gzip_->next(most, out);
    if (status == GzipReader::Status::piece) return checked(out);
    if (status == GzipReader::Status::damaged) return fail(Reason::unsupported_encoding);
    const auto piece = parser_.parse_body(rest_, std::numeric_limits<unsigned>::max());
    rest_.remove_prefix(piece.consumed);
    if (piece.status == RequestParser::Status::bad_request) return fail(Reason::bad_request);
    if (piece.status == RequestParser::Status::done) {
      if (!gzip_->complete()) return fail(Reason::unsupported_encoding);
      return std::string_view{};
    }
    if (piece.data.empty()) return std::nullopt;
    gzip_->feed(piece.data);
  }
}

Admitted<std::string_view> Connection::checked(std::string_view piece) {
  decoded_ += piece.size();
  if (decoded_ > body_limit_) return fail(Reason::too_large);
  return piece;
}

/// Reads once; waits first when nothing is there. False: the client has left or is too slow.
boost::asio::awaitable<bool> Connection::more_body(std::size_t most) {
  for (;;) {
    if (direct_reads_ < reads_in_a_row) {
      ++direct_reads_;
      const long n = receive_body(most);
      if (n > 0) co_return true;
      if (n == 0 || gone_) {
        server_.gone.add();
        co_return false;
      }
    }
    direct_reads_ = 0;
    if (!co_await wait_readable(Phase::body)) co_return false;
  }
}

boost::asio::awaitable<bool> Connection::wait_readable(Phase phase) {
  become(phase);
  const bool ready = co_await wire_.readable();
  if (phase == Phase::body) become(Phase::ours);
  if (ready) timed_out_ = false;  // the sweeper was late
  co_return ready && !gone_;
}

/// > 0: so many bytes; 0: the client sends no more; < 0: nothing now (or gone_).
long Connection::receive(char* into, std::size_t most) {
  const long n = wire_.receive(into, most);
  if (n > 0) server_.bytes_in.add(static_cast<std::uint64_t>(n));
  if (n == Wire::broken) gone_ = true;
  return n;
}

/// A plain body goes through the server's large buffer, and never a byte beyond it is read. What has to be decoded goes
/// through a small one of the connection's own, because undecoded bytes may stay there for long.
long Connection::receive_body(std::size_t most) {
  long n = 0;
  std::size_t asked = server_.pieces.size();
  if (!head().chunked && is_plain()) {
    if (!piece_) piece_ = server_.pieces.take();
    n = receive(piece_.get(),
                static_cast<std::size_t>(std::min<std::uint64_t>({most, parser_.body_left(), server_.pieces.size()})));
    if (n > 0) rest_ = {piece_.get(), static_cast<std::size_t>(n)};
    if (n <= 0) server_.pieces.give(std::move(piece_));
  } else {
    if (!raw_) raw_ = server_.heads.take();
    const std::size_t kept = rest_.size();
    if (kept > 0) std::memmove(raw_.get(), rest_.data(), kept);
    asked = server_.heads.size() - kept;
    n = receive(raw_.get() + kept, asked);
    rest_ = {raw_.get(), kept + static_cast<std::size_t>(std::max(n, 0L))};
    if (rest_.empty()) server_.heads.give(std::move(raw_));
  }
  if (n > 0) {
    in_.moved(static_cast<std::size_t>(n));
    if (server_.config.receive_buffers)
      grown_ = buffers().after_read(wire_.socket(), grown_, static_cast<std::size_t>(n), asked);
  }
  return n;
}

void Connection::pause_timeouts(bool paused) {
  paused_ = paused;
  if (paused && parser_.body_done()) end_piece();
}

/// Takes the buffer back from the handler. Bytes that it did not take stay where they are.
void Connection::end_piece() {
  if (piece_ && rest_.empty()) server_.pieces.give(std::move(piece_));
}

/// Drops the part of the body that has been read; true when that was all of it.
bool Connection::discard_buffered() {
  gzip_.reset();
  while (!parser_.body_done()) {
    const auto piece = parser_.parse_body(rest_, std::numeric_limits<unsigned>::max());
    rest_.remove_prefix(piece.consumed);
    if (piece.status == RequestParser::Status::bad_request) {
      failed_ = Reason::bad_request;
      return false;
    }
    if (piece.consumed == 0 && !parser_.body_done()) return false;
  }
  return true;
}

/// After the answer, the rest of a small body, so that the next request is found behind it.
boost::asio::awaitable<bool> Connection::drain() {
  for (std::uint64_t drained = 0; !discard_buffered() && failed_ != Reason::bad_request;) {
    end_piece();
    if (drained >= most_drained || !co_await more_body(most_drained)) co_return false;
    drained += rest_.size();
  }
  end_piece();
  co_return parser_.body_done();
}

}  // namespace weir::net
