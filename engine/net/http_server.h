#pragma once
/// An HTTP/1.1 server on one reactor: accepts, parses, guards its own limits, and hands each request to a Handler.
///
/// Order at the door (semantics F1): the connection cap comes first. At the cap the longest-idle connection is closed
/// for the new one; when none is idle the new one is answered 503 too_many_connections with Retry-After and closed. A
/// server that has to answer whatever happens (admin) sets `close_unfinished`: then the oldest connection whose request
/// or answer is not complete makes room too, and with `max_per_peer` first one of the same address. When the process
/// has no descriptor left, one of `reserve_descriptors` is given up for the connection.
///
/// Deadlines are kept by one sweeper per server (every 200 ms), not by a timer per operation: measured, a deadline in a
/// field costs 50 ns, a timer 1 to 4.5 us. So they are late by up to one sweep:
///   idle_timeout    between requests                                           -> closed
///   header_timeout  from the first byte of a head to its end (slow-loris)      -> 408, closed
///   body_timeout    waiting for the client without 4 KiB of progress in a body; once the server drains or stops, at
///                   most last_answer_timeout
///   answer_timeout  an answer that the client does not read: the same, whatever the handler has paused; once the server
///                   drains, at most last_answer_timeout, and once it stops, so much more in all           -> closed
///   linger_timeout  after an answer to a request that was not read to its end: what still comes is thrown away, so
///                   that no reset destroys the answer; at most max_lingering() connections at a time         -> closed
///
/// Thread: one reactor; construct anywhere, then call on the reactor's thread (before it runs, any). `stats` from any.
/// Cost: about 1 us of CPU a request above a raw epoll loop. On cancel: `stop_accepting` (answers then say close),
/// `close_idle`, wait for `quiet`, `close_all`. Destroying the server closes everything; handlers that still wait for
/// something else must be over by then: `quiet` says so. `drain` goes on accepting, for a handler that refuses: every
/// answer says close, so each connection is told once.
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/flow/demand/budget.h>

#include "net/http.h"
#include "net/receive_buffers.h"
#include "net/tls.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace boost::asio {
class io_context;
}

namespace weir::net {

struct ServerConfig {
  std::string listen{};  ///< host:port, [::1]:port; port 0 takes a free one
  std::size_t max_connections = 1024;
  Bytes max_header = 16_KiB;
  Duration idle_timeout = std::chrono::seconds(60);
  Duration header_timeout = std::chrono::seconds(10);
  Duration body_timeout = std::chrono::seconds(30);
  Duration answer_timeout = std::chrono::seconds(30);
  Duration last_answer_timeout = std::chrono::seconds(10);
  Duration linger_timeout = std::chrono::seconds(2);
  Bytes receive_buffer = 64_KiB;                      ///< SO_RCVBUF; the kernel doubles it
  std::shared_ptr<ReceiveBuffers> receive_buffers{};  ///< of all servers of a source: each begins small and may grow
  Bytes send_buffer = 64_KiB;                         ///< SO_SNDBUF; likewise
  Bytes read_buffer = 64_KiB;                         ///< one for the server: bodies are read through it piece by piece
  bool reuse_port = true;                             ///< one listener per reactor on the same port
  std::optional<TlsContext> tls{};                    ///< speak HTTPS; a handshake has header_timeout
  std::function<void()> on_unknown_client{};  ///< told of each whose certificate, or want of one, has ended a handshake
  Duration retry_after_full = std::chrono::seconds(1);  ///< what a client refused at max_connections is told
  std::size_t max_per_peer = 0;                         ///< most connections of one address; 0: as many as there are
  bool close_unfinished = false;             ///< at a limit the oldest unfinished connection is closed for the new one
  std::size_t reserve_descriptors = 0;       ///< kept open to be given up when accept finds none
  std::function<void()> on_no_descriptor{};  ///< a connection waits because accept found none; told at each try
  std::function<void()> on_full{};           ///< told of each that is refused at max_connections

  std::size_t max_lingering() const { return max_connections / 4 > 16 ? max_connections / 4 : 16; }
};

struct HttpStats {
  std::uint64_t connections = 0, idle = 0;  ///< now
  std::uint64_t accepted = 0, refused_connections = 0, evicted_idle = 0, evicted_unfinished = 0;
  std::uint64_t requests = 0, bad_requests = 0, timeouts = 0, clients_gone = 0;
  Bytes bytes_in, bytes_out;
};

/// What one server's connections cost at most, kernel buffers included (they count in a cgroup). per_unit =
///   2 x (receive_buffer + send_buffer)   Linux doubles what is asked for; both sides full. With `receive_buffers` its
///                                        least instead: what they grow by is not in here, but once for all servers
///   + 2 x max_header                     the head and what came with it; undecoded chunks or gzip input
///   + tls_footprint                      with TLS; a soft ceiling
///   + 8 KiB                              coroutine frames, parser, and the kernel's socket, file and epoll entries
/// An idle connection holds only the last line of it: http_memory_test.cc measures what is resident.
/// With `holds_pieces` each handler may also keep one read_buffer: say so if yours waits for anything but the exchange
/// while it still needs what `read` gave it. gzip_footprint comes on top for each gzip body being read.
Footprint connection_footprint(const ServerConfig& config, bool holds_pieces = false);

class HttpServer {
 public:
  HttpServer(boost::asio::io_context& io, const ServerConfig& config, const Context& context, Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Before the first server of a port opens: resolves `listen` and makes sure that no other process has it. Returns
  /// the address in numbers. `take_over` allows the other process (a new process replacing an old one).
  static Result<std::string> check_address(const std::string& listen, bool take_over);

  /// Binds and listens; the address with its real port.
  Result<std::string> open();
  void start();
  void drain();
  void stop_accepting();
  void close_idle();
  void close_all();
  /// No request is being read, handled or answered. Idle connections may remain.
  bool quiet() const;
  HttpStats stats() const;

  /// Checks deadlines against the Context's clock. Runs by itself; tests call it after moving their clock.
  void sweep();

 private:
  struct Runner;
  std::shared_ptr<Runner> runner_;
};

}  // namespace weir::net
