#pragma once
/// A blocking HTTP/1.1 client that keeps its connection: what an http sink's worker sends its batches over.
///
/// The connection is opened when it is needed, kept while the server keeps it, and left after `max_idle`. A server may
/// close an idle connection at the moment we write to it. When a kept connection breaks before any byte of the answer
/// came, the request is sent once more over a fresh one, and that is no failure; on a fresh one it is. (RFC 9112
/// section 9.3.1 allows it for what is idempotent: a sink delivers at least once anyway.) An answer that comes while
/// the body is still being sent ends the sending.
///
/// The name is looked up for each connection and again while one is kept, and all its addresses are tried (dialer.h).
/// No redirects, no proxies, no cookies. With `tls` the other side must show a certificate for `server_name`.
///
/// Thread: one owner, which it blocks for at most connect_timeout + timeout (twice that after a stale connection).
/// Cost: three or four system calls an exchange. Bound: 16 KiB of head, `max_body` of the answer's body; with TLS
/// tls_footprint more.
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/dialer.h"
#include "net/http_reply.h"
#include "net/tls.h"

namespace weir::net {

struct SessionConfig {
  std::string address;  ///< host:port
  Duration connect_timeout = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(40);  ///< from the first byte sent to the last one of the answer
  Duration max_idle = std::chrono::seconds(30);
  Bytes max_body = 64_KiB;
  std::optional<TlsContext> tls{};
  std::string server_name{};
  Dialer::LookUp look_up = resolve_all;  ///< tests answer themselves
};

class HttpSession {
 public:
  HttpSession(SessionConfig config, const Context& context)
      : config_(std::move(config)), context_(context), dialer_(config_.address, context, config_.look_up) {}
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession() { close(); }

  /// Any status is an answer; an Error (disconnected) means that there was none. `head` is the whole head of the
  /// request, empty line included.
  Result<HttpAnswer> exchange(std::string_view head, std::string_view body);
  void close();
  /// From any thread, for good: an exchange on its way ends within 0.1 s, and every later one fails.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  /// From any thread: connections from now on believe what the file says now.
  Result<void> read_certificates_again() { return config_.tls ? config_.tls->reload(context_.wall()) : Result<void>{}; }
  std::uint64_t connections() const { return connections_; }  ///< opened so far

 private:
  enum class Trouble : std::uint8_t { none, broken, late, damaged };
  bool still_open();
  Result<void> connect();
  Trouble attempt(std::string_view head, std::string_view body, ReplyReader& reply);
  Result<void> shake_hands();
  /// What the connection waits for before more can be sent; 0: all is sent.
  std::optional<short> send_some(std::string_view& head, std::string_view& body);
  Trouble receive_some(ReplyReader& reply, bool& done);
  TlsSession::Moved write(std::string_view bytes, bool more_follows);
  TlsSession::Moved read(char* into, std::size_t most);
  short wait(short what, TimePoint deadline) const;
  std::unexpected<Error> wrong(Trouble trouble, const ReplyReader& reply) const;

  const SessionConfig config_;
  const Context& context_;
  Dialer dialer_;
  int socket_ = -1;
  std::unique_ptr<TlsSession> tls_;
  TimePoint last_used_{};
  std::uint64_t connections_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace weir::net
