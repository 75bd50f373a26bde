#pragma once
/// One connection of an HttpServer: reads heads, runs the handler, carries bodies and answers, and decides whether it
/// lives on. Private to net/: handlers see an Exchange.
///
/// Requests begin in `small_`, and most end there. Three larger buffers are held only while they are needed:
/// `head_buffer_` (max_header) for a head that does not fit, to the end of its exchange, because the Head's views point
/// into it; `raw_` (max_header) for chunked or gzip input that is not decoded yet; `piece_` (read_buffer) for the plain
/// piece on loan to the handler. `rest_` is what is read but not parsed, in whichever of them it lies.
///
/// Thread: the server's reactor. Cost: three system calls a request (recv, sendmsg, and a recv that finds nothing yet)
/// besides epoll_wait.
#include <boost/asio/ip/tcp.hpp>

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
#include "net/tls.h"

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
  std::uint64_t connection() const override { return id_; }
  awaitable<Admitted<std::string_view>> read(Bytes credit) override;
  void limit_body(Bytes most) override { body_limit_ = most.count(); }
  awaitable<bool> respond(Response response) override;
  awaitable<bool> start(int status, std::string_view content_type) override;
  awaitable<bool> write(std::string_view piece) override;
  awaitable<bool> finish() override;
  bool client_gone() const override;
  void pause_timeouts(bool paused) override { paused_ = paused; }

 private:
  enum class Phase : std::uint8_t { idle, head, body, ours, answer, linger };
  enum class Answer : std::uint8_t { none, streaming, complete };
  struct AnswerParts {
    std::string_view a, b, c;
  };

  // http_connection.cc: from one exchange to the next
  awaitable<bool> shake_hands();
  awaitable<std::size_t> first_bytes();
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
  void enter_list(bool idle);

  // http_body.cc: receiving
  std::optional<Admitted<std::string_view>> next_piece(std::size_t most);
  std::optional<Admitted<std::string_view>> next_inflated(std::size_t most);
  Admitted<std::string_view> checked(std::string_view piece);
  std::unexpected<Rejection> fail(Reason reason);
  awaitable<bool> more_body(std::size_t most);
  awaitable<bool> wait_readable(Phase phase);
  awaitable<boost::system::error_code> readable();
  long receive_body(std::size_t most);
  long receive(char* into, std::size_t most);
  bool discard_buffered();
  awaitable<bool> drain();
  void end_piece();

  // http_answer.cc: what goes out
  void begin_answer();
  bool may_keep_alive(bool asked_to_close);
  awaitable<bool> send(AnswerParts pieces);
  long try_send(const AnswerParts& pieces, std::size_t skip);
  long try_send_tls(const AnswerParts& pieces, std::size_t skip);
  std::optional<bool> send_now(const AnswerParts& pieces, std::size_t& sent);
  awaitable<bool> send_rest(std::string own, AnswerParts pieces, std::size_t sent);
  void progress(std::size_t bytes);

  ServerState& server_;
  const std::uint64_t id_;
  Socket socket_;
  std::unique_ptr<TlsSession> tls_;
  std::list<Connection*>::iterator place_;
  mutable std::optional<boost::asio::ip::address> address_;
  RequestParser parser_;
  std::array<char, 1024> small_;  ///< where a request begins; most end here too
  Buffer head_buffer_, raw_, piece_;
  std::string_view rest_;
  std::unique_ptr<GzipReader> gzip_;
  std::uint64_t body_limit_ = 0, decoded_ = 0;
  Duration waited_{0};            ///< for the client, in this phase, since the last 4 KiB of progress
  std::size_t progress_ = 0;      ///< bytes towards those 4 KiB
  std::optional<Reason> failed_;  ///< why the body ended early, if it did
  Phase phase_ = Phase::head;
  Answer answer_ = Answer::none;
  Framing framing_ = Framing::length;
  std::uint8_t direct_reads_ = 0;
  bool in_idle_list_ = false, timed_out_ = false, gone_ = false, keep_ = false, continued_ = false, paused_ = false;
};

}  // namespace weir::net
