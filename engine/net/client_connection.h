#pragma once
/// One connection to a server, and the request that is on it: two halves that go on side by side, each with its own
/// deadline. HTTP/1.1 has one request at a time on a connection; what the owner calls here would be the same for one
/// stream of many.
///
///   request   send_head, write..., finish      waits while the server does not read
///   answer    receive_head (interim ones come first), read...      nothing is read that was not asked for
///
/// A server may answer before it has read the request: a request half that breaks leaves the answer to be read, and
/// only when there is none the exchange has failed. After it `may_reuse` says whether the connection can carry another.
///
/// Memory: one buffer of the pool from send_head to the next, or to `rest`.
///
/// Thread: one reactor; one coroutine a half. Cost: two system calls an exchange that does not wait. On cancel:
/// `abort`, from anywhere on the reactor: what waits ends at once and fails.
#include <weir/base/units.h>

#include <memory>
#include <optional>
#include <string_view>

#include "net/answer_parser.h"
#include "net/buffer_pool.h"
#include "net/waited.h"
#include "net/wire.h"

namespace weir::net {

/// How the body of a request is framed.
enum class BodyFraming : std::uint8_t { none, length, chunked };

class ClientConnection {
 public:
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;
  enum class Trouble : std::uint8_t {
    none,
    closed,   ///< the server closed or reset the connection before the answer was whole
    damaged,  ///< what came is no answer
    late,     ///< it moved less than 4 KiB in `patience`
    aborted,  ///< by the owner
  };
  static constexpr int most_interim = 8;

  /// `buffers` are at least max_head large.
  ClientConnection(Wire::Socket socket, BufferPool& buffers, Bytes max_head, TimePoint now);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection();

  Wire& wire() { return wire_; }

  /// Of the next request: its answer may be 101, and then both halves carry what they are given, to their end.
  void allow_switch() { may_switch_ = true; }
  /// `head`: the whole of it, empty line included, with the framing fields of `framing`. False: it could not be sent.
  awaitable<bool> send_head(std::string_view head, BodyFraming framing, bool to_head);
  awaitable<bool> write(std::string_view piece);
  /// `trailers`: whole lines, only behind chunks.
  awaitable<bool> finish(std::string_view trailers = {});
  /// Whether a byte of this request has left.
  bool has_sent() const { return sent_; }

  /// The next head; false: trouble. Its views are valid until the next call of this or of `read`.
  awaitable<bool> receive_head();
  const AnswerHead& head() const { return parser_.head(); }
  /// The next piece of the body, at most `credit`, valid until the next call; empty: its end. Nothing: trouble.
  awaitable<std::optional<std::string_view>> read(Bytes credit);
  /// Whether a byte of the answer has come.
  bool has_begun() const { return begun_; }
  /// The same of what has come already, without waiting: empty when that is nothing.
  std::string_view read_now(Bytes credit);
  std::string_view trailers() const { return parser_.trailers(); }
  bool has_switched() const { return switched_; }
  bool answer_done() const { return parser_.body_done(); }
  bool request_done() const { return finished_; }
  Trouble trouble() const { return trouble_; }

  void abort() { end(Trouble::aborted); }
  /// Who waits for the answer waits no longer, and the exchange goes on: what waits ends at once and fails as if
  /// aborted, and the connection is as it was from `take_over` on.
  void hand_over();
  bool is_handed_over() const { return handed_over_; }
  void take_over();
  /// To be called now and then: how long has passed. Who is waited for longer than `patience` is left.
  void tick(Duration passed, Duration patience);

  bool may_reuse() const;
  /// Nothing is on it: gives its buffer back.
  void rest();
  /// Of a connection at rest: whether the server has left it, or said what it was not asked.
  bool is_stale(bool surely) { return !wire_.is_at_rest(surely); }
  TimePoint opened_at() const { return opened_; }

 private:
  enum class More : std::uint8_t { some, nothing_yet, over };
  awaitable<bool> send(Wire::Parts pieces);
  std::optional<bool> send_now(const Wire::Parts& pieces, std::size_t& done);
  More more_now();
  awaitable<bool> wait_for_more();
  void end(Trouble why);

  Wire wire_;
  BufferPool& buffers_;
  const TimePoint opened_;
  AnswerParser parser_;
  Buffer buffer_;
  std::string_view input_;  // received and not parsed, in buffer_
  Waited sending_, receiving_;
  BodyFraming framing_ = BodyFraming::none;
  Trouble trouble_ = Trouble::none;
  int interim_ = 0;
  bool sent_ = false, send_broken_ = false, finished_ = false, begun_ = false;
  bool may_switch_ = false, switched_ = false;
  bool waits_to_send_ = false, waits_for_body_ = false, head_seen_ = false;
  bool handed_over_ = false;
};

}  // namespace weir::net
