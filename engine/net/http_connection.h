#pragma once
/// One connection of an HttpServer: reads heads, runs the handler, carries bodies and answers, and decides whether it
/// lives on. Private to net/: handlers see an Exchange.
///
/// Requests begin in `small_`, and most end there. Three larger buffers are held only while they are needed:
/// `head_buffer_` (max_header) for a head that does not fit, to the end of its exchange, because the Head's views point
/// into it; `raw_` (max_header) for chunked or gzip input that is not decoded yet; `piece_` (read_buffer) for the plain
/// piece on loan to the handler. `rest_` is what is read but not parsed, in whichever of them it lies.
///
/// Thread: the server's reactor. Cost: two system calls a request (recv, sendmsg) besides those of readiness.h.
#include <array>
#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "net/buffer_pool.h"
#include "net/gzip.h"
#include "net/http.h"
#include "net/http_parser.h"
#include "net/http_response.h"
#include "net/http_server.h"
#include "net/waited.h"
#include "net/wire.h"

namespace weir::net {

class Connection;

/// What the connections of one server share; counters have one writer, the reactor.
struct ServerState {
  ServerState(const ServerConfig& c, Handler h)
      : config(c), handler(std::move(h)), heads(c.max_header, 8), pieces(c.read_buffer, 1) {}
  ServerConfig config;
  Handler handler;
  BufferPool heads, pieces;
  std::string scratch;                ///< the head of the answer being sent; never used across a wait
  std::list<Connection*> busy, idle;  ///< each: the longest there first
  std::deque<Connection*> lingering;  ///< some of `busy`; at most max_lingering
  bool draining = false, stopping = false;
  std::uint64_t last_id = 0;
  struct Counter {
    void add(std::uint64_t n = 1) { value.store(get() + n, std::memory_order_relaxed); }
    void sub(std::uint64_t n = 1) { value.store(get() - n, std::memory_order_relaxed); }
    std::uint64_t get() const { return value.load(std::memory_order_relaxed); }
    std::atomic<std::uint64_t> value{0};
  };
  Counter connections, idle_now, accepted, refused, evicted, evicted_unfinished, requests, bad, timeouts, gone,
      bytes_in, bytes_out;
};

class Connection final : public Exchange {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;

  Connection(ServerState& server, Socket socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  awaitable<void> serve();  ///< until it is closed
  void tick(Duration passed);
  void close();
  bool has_input() const;   ///< something has arrived that was not read
  bool unfinished() const;  ///< it is the client that is waited for: its request, or that it reads the answer
  bool is_closed() const { return gone_; }
  const boost::asio::ip::address& address() const;  ///< of the client; unspecified once it has gone

  const Head& head() const override { return parser_.head(); }
  std::string peer() const override;
  std::string tls_subject() const override;
  std::uint64_t connection() const override { return id_; }
  awaitable<Admitted<std::string_view>> read(Bytes credit) override {
    return switched_ ? read_switched(credit) : read_body(credit);
  }
  void limit_body(Bytes most) override { body_limit_ = most.count(); }
  void keep_encoding() override { encoded_ = true; }
  void stop_reading() override;
  awaitable<bool> respond(Response response) override;
  using Exchange::start;
  awaitable<bool> start(AnswerStart answer) override;
  awaitable<bool> write(std::string_view piece) override;
  using Exchange::finish;
  awaitable<bool> finish(std::string_view trailers) override;
  std::string_view trailers() const override { return parser_.trailers(); }
  awaitable<bool> switch_protocols(std::string_view fields) override;
  void abort() override;
  awaitable<bool> inform(int status, std::string_view fields) override;
  bool client_gone() const override { return gone_ || wire_.is_hung_up(false); }
  bool client_unreachable() const override { return gone_ || wire_.is_hung_up(true); }
  bool request_cut_off() const override;
  void set_apart() override;
  bool is_apart() const { return apart_; }
  void pause_timeouts(bool paused) override;

 private:
  enum class Phase : std::uint8_t { idle, head, body, ours, linger };
  enum class Answer : std::uint8_t { none, streaming, complete };
  using Parts = Wire::Parts;

  // http_connection.cc: from one exchange to the next
  awaitable<bool> shake_hands();
  bool become_idle();
  void begin_head(std::size_t bytes);
  awaitable<bool> more_head();
  bool receive_head();
  awaitable<void> refuse_head(RequestParser::Status status);
  awaitable<void> refuse_late();
  void begin_exchange();
  bool end_exchange();
  awaitable<void> leave();
  awaitable<void> linger(std::optional<std::uint64_t> left);
  bool drop_input(std::uint64_t& dropped);
  void become(Phase phase);
  Duration patience() const;
  Duration patience_for_answer() const;
  bool is_plain() const { return encoded_ || !head().gzip; }
  void enter_list(bool idle);
  ReceiveBuffers& buffers() const { return *server_.config.receive_buffers; }

  // http_body.cc: receiving
  awaitable<Admitted<std::string_view>> read_body(Bytes credit);
  awaitable<Admitted<std::string_view>> read_switched(Bytes credit);
  std::optional<Admitted<std::string_view>> next_piece(std::size_t most);
  std::optional<Admitted<std::string_view>> next_inflated(std::size_t most);
  Admitted<std::string_view> checked(std::string_view piece);
  std::unexpected<Rejection> fail(Reason reason);
  awaitable<bool> more_body(std::size_t most);
  awaitable<bool> wait_readable(Phase phase);
  long receive_body(std::size_t most);
  long receive(char* into, std::size_t most);
  bool discard_buffered();
  awaitable<bool> drain();
  void end_piece();

  // http_answer.cc: what goes out
  void begin_answer();
  bool may_keep_alive(bool asked_to_close);
  awaitable<bool> send(Parts pieces);
  long try_send(const Parts& pieces, std::size_t skip);
  std::optional<bool> send_now(const Parts& pieces, std::size_t& sent);
  awaitable<bool> send_rest(Parts pieces, std::size_t sent);

  ServerState& server_;
  const std::uint64_t id_;
  mutable Wire wire_;
  std::list<Connection*>::iterator place_;
  mutable std::optional<boost::asio::ip::address> address_;
  mutable std::string peer_;  ///< the same, written out
  RequestParser parser_;
  std::array<char, 1024> small_;  ///< where a request begins; most end here too
  Buffer head_buffer_, raw_, piece_;
  std::string_view rest_;
  std::unique_ptr<GzipReader> gzip_;
  std::uint64_t body_limit_ = 0, decoded_ = 0;
  std::uint64_t answer_left_ = 0;  ///< of an answer whose length was said
  Waited in_, out_;                ///< in_: of the phase; out_: that it reads its answer
  std::optional<Reason> failed_;   ///< why the body ended early, if it did
  Phase phase_ = Phase::head;
  Answer answer_ = Answer::none;
  Framing framing_ = Framing::length;
  std::uint8_t direct_reads_ = 0;
  bool in_idle_list_ : 1 = false, timed_out_ : 1 = false, gone_ : 1 = false, keep_ : 1 = false, continued_ : 1 = false,
                       paused_ : 1 = false;
  bool apart_ : 1 = false;                              // it counts no longer among the server's connections
  bool switched_ : 1 = false;                           // it carries another protocol
  bool encoded_ : 1 = false;                            // the handler takes the body as it was sent
  bool reading_ : 1 = false, not_to_read_ : 1 = false;  // a read waits; none may any more
  bool sending_ : 1 = false;                            // an answer waits for the client to read
  std::uint8_t grown_ : 4 = 0;                          // how often its receive buffer has doubled
};

}  // namespace weir::net
