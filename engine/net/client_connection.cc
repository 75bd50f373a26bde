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
  const Wire::Parts pieces{head, {}, {}};
  co_return co_await send(pieces);
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

/// A broken request half says nothing yet: the answer may be there.
boost::asio::awaitable<bool> ClientConnection::send(Wire::Parts pieces) {
  std::size_t done = 0;
  while (done < pieces.size()) {
    if (send_broken_ || trouble_ != Trouble::none) co_return false;
    const long n = wire_.send(pieces, done);
    if (n == Wire::broken) {
      send_broken_ = true;
      co_return false;
    }
    if (n > 0) {
      sent_ = true;
      done += static_cast<std::size_t>(n);
      sending_.moved(static_cast<std::size_t>(n));
      continue;
    }
    waits_to_send_ = true;
    (void)co_await wire_.writable();
    waits_to_send_ = false;
  }
  co_return true;
}

/// Reads once behind what is there, and waits first when nothing has come.
boost::asio::awaitable<bool> ClientConnection::more() {
  const std::size_t kept = input_.size();
  if (kept > 0 && input_.data() != buffer_.get()) std::memmove(buffer_.get(), input_.data(), kept);
  for (;;) {
    if (trouble_ != Trouble::none) co_return false;
    const long n = wire_.receive(buffer_.get() + kept, buffers_.size() - kept);
    if (n > 0) {
      begun_ = true;
      receiving_.moved(static_cast<std::size_t>(n));
      input_ = {buffer_.get(), kept + static_cast<std::size_t>(n)};
      co_return true;
    }
    input_ = {buffer_.get(), kept};
    if (n == Wire::broken || n == 0) {
      if (n == 0 && head_seen_ && parser_.end_of_input()) co_return true;
      end(Trouble::closed);
      co_return false;
    }
    waits_for_body_ = head_seen_;
    (void)co_await wire_.readable();
    waits_for_body_ = false;
  }
}

boost::asio::awaitable<bool> ClientConnection::receive_head() {
  for (;;) {
    const auto status = input_.empty() ? AnswerParser::Status::need_more : parser_.parse_head(input_);
    if (status == AnswerParser::Status::done) break;
    if (status == AnswerParser::Status::damaged) {
      end(Trouble::damaged);
      co_return false;
    }
    if (!co_await more()) co_return false;
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

boost::asio::awaitable<std::optional<std::string_view>> ClientConnection::read(Bytes credit) {
  for (;;) {
    if (trouble_ != Trouble::none) co_return std::nullopt;
    const auto piece = parser_.parse_body(input_, credit.count());
    input_.remove_prefix(piece.consumed);
    if (piece.status == AnswerParser::Status::damaged) {
      end(Trouble::damaged);
      co_return std::nullopt;
    }
    if (!piece.data.empty() || piece.status == AnswerParser::Status::done) co_return piece.data;
    if (!co_await more()) co_return std::nullopt;
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
