#include "net/client_connection.h"

#include <fmt/format.h>
#include <weir/base/result.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace weir::net {

ClientConnection::ClientConnection(Wire::Socket socket, BufferPool& buffers, Bytes max_head, TimePoint now)
    : wire_(std::move(socket)), buffers_(buffers), opened_(now), parser_(max_head) {
  WEIR_CHECK(buffers.size() >= max_head.count());
}

ClientConnection::~ClientConnection() { rest(); }

void ClientConnection::end(Trouble why) {
  if (trouble_ == Trouble::none) trouble_ = why;
  wire_.close();
}

void ClientConnection::hand_over() {
  if (trouble_ != Trouble::none) return;
  trouble_ = Trouble::aborted;
  handed_over_ = true;
  wire_.interrupt();
}

void ClientConnection::take_over() {
  if (std::exchange(handed_over_, false)) trouble_ = Trouble::none;
}

/// No coroutine of its own, as all here that need not wait: a frame costs 300 instructions.
boost::asio::awaitable<bool> ClientConnection::send_head(std::string_view head, BodyFraming framing, bool to_head) {
  parser_.reset(to_head);
  if (!buffer_) buffer_ = buffers_.take();
  input_ = {};
  sending_.restart();
  receiving_.restart();
  framing_ = framing;
  interim_ = 0;
  sent_ = send_broken_ = begun_ = head_seen_ = switched_ = false;
  finished_ = framing == BodyFraming::none;
  return send({head, {}, {}});
}

boost::asio::awaitable<bool> ClientConnection::write(std::string_view piece) {
  WEIR_CHECK(!finished_);
  if (piece.empty()) co_return !send_broken_;  // an empty chunk would end the body
  std::array<char, 24> size;
  Wire::Parts pieces{{}, piece, {}};
  if (framing_ == BodyFraming::chunked) {
    const auto end = fmt::format_to_n(size.data(), size.size(), "{:x}\r\n", piece.size()).out;
    pieces = {std::string_view(size.data(), static_cast<std::size_t>(end - size.data())), piece, "\r\n"};
  }
  co_return co_await send(pieces);
}

boost::asio::awaitable<bool> ClientConnection::finish(std::string_view trailers) {
  WEIR_CHECK(!finished_);
  if (switched_) wire_.shut_down();
  const Wire::Parts last{"0\r\n", trailers, "\r\n"};
  const bool sent = framing_ != BodyFraming::chunked ? !send_broken_ : co_await send(last);
  finished_ = sent;
  co_return sent;
}

boost::asio::awaitable<bool> ClientConnection::send(Wire::Parts pieces) {
  std::size_t done = 0;
  for (;;) {
    if (const auto all = send_now(pieces, done)) co_return *all;
    waits_to_send_ = true;
    (void)co_await wire_.writable();
    waits_to_send_ = false;
  }
}

/// Nothing: some of it has to wait. A broken request half says nothing yet: the answer may be there.
std::optional<bool> ClientConnection::send_now(const Wire::Parts& pieces, std::size_t& done) {
  while (done < pieces.size()) {
    if (send_broken_ || trouble_ != Trouble::none) return false;
    const long n = wire_.send(pieces, done);
    send_broken_ = n == Wire::broken;
    if (send_broken_) return false;
    if (n <= 0) return std::nullopt;
    sent_ = true;
    done += static_cast<std::size_t>(n);
    sending_.moved(static_cast<std::size_t>(n));
  }
  return true;
}

/// Reads once behind what is there.
ClientConnection::More ClientConnection::more_now() {
  waits_for_body_ = false;
  if (trouble_ != Trouble::none) return More::over;
  const std::size_t kept = input_.size();
  if (kept > 0 && input_.data() != buffer_.get()) std::memmove(buffer_.get(), input_.data(), kept);
  const long n = wire_.receive(buffer_.get() + kept, buffers_.size() - kept);
  input_ = {buffer_.get(), kept + static_cast<std::size_t>(std::max(n, 0L))};
  if (n > 0) {
    begun_ = true;
    receiving_.moved(static_cast<std::size_t>(n));
    return More::some;
  }
  if (n == Wire::nothing_now) return More::nothing_yet;
  if (n == 0 && head_seen_ && parser_.end_of_input()) return More::some;
  end(Trouble::closed);
  return More::over;
}

boost::asio::awaitable<bool> ClientConnection::wait_for_more() {
  waits_for_body_ = head_seen_;
  return wire_.readable();
}

boost::asio::awaitable<bool> ClientConnection::receive_head() {
  for (;;) {
    const auto status = input_.empty() ? AnswerParser::Status::need_more : parser_.parse_head(input_);
    if (status == AnswerParser::Status::done) break;
    if (status == AnswerParser::Status::damaged) {
      end(Trouble::damaged);
      co_return false;
    }
    const More more = more_now();
    if (more == More::over) co_return false;
    if (more == More::nothing_yet) (void)co_await wait_for_more();
  }
  input_.remove_prefix(parser_.head_size());
  head_seen_ = !head().is_interim();
  if (head_seen_) receiving_.restart();
  if (head().status == 101 && std::exchange(may_switch_, false)) {
    parser_.become_tunnel();
    switched_ = head_seen_ = true;
    framing_ = BodyFraming::length;
    finished_ = false;
    co_return true;
  }
  // Nothing was asked to be switched to; and interim answers without end are no answer.
  if (head().status == 101 || (head().is_interim() && ++interim_ > most_interim)) {
    end(Trouble::damaged);
    co_return false;
  }
  co_return true;
}

std::string_view ClientConnection::read_now(Bytes credit) {
  if (trouble_ != Trouble::none) return {};
  const auto piece = parser_.parse_body(input_, credit.count());
  input_.remove_prefix(piece.consumed);
  if (piece.status == AnswerParser::Status::damaged) end(Trouble::damaged);
  return piece.data;
}

boost::asio::awaitable<std::optional<std::string_view>> ClientConnection::read(Bytes credit) {
  for (;;) {
    const std::string_view piece = read_now(credit);
    if (trouble_ != Trouble::none) co_return std::nullopt;
    if (!piece.empty() || parser_.body_done()) co_return piece;
    const More more = more_now();
    if (more == More::over) co_return std::nullopt;
    if (more == More::nothing_yet) (void)co_await wait_for_more();
  }
}

void ClientConnection::tick(Duration passed, Duration patience) {
  if (switched_) return;  // its owner knows how long it may be idle
  const bool late =
      (waits_to_send_ && sending_.add(passed) > patience) || (waits_for_body_ && receiving_.add(passed) > patience);
  if (late) end(Trouble::late);
}

bool ClientConnection::may_reuse() const {
  return trouble_ == Trouble::none && !send_broken_ && finished_ && parser_.body_done() && head().keep_alive &&
         input_.empty() && wire_.is_open();
}

void ClientConnection::rest() {
  input_ = {};
  buffers_.give(std::move(buffer_));
}

}  // namespace weir::net
