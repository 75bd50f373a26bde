#pragma once
/// One request and its answer, without saying which protocol carries them: HTTP/1.1 stands behind it, with
/// or without TLS; HTTP/2 fits behind it later.
///
/// The body is read by credit. A handler asks for at most so many bytes; until it asks, the socket is not read, the
/// kernel's buffer fills and TCP's window closes: that is how backpressure reaches the client. So no byte is read
/// without memory reserved for it (except what came in one read with the head: at most max_header).
///
/// A handler answers once: `respond`, or `start`, `write`..., `finish`. One that returns without an answer closes the
/// connection. It runs on its reactor's thread and must not block.
///
/// Thread: the reactor of the server. On cancel: a client that leaves makes `read` fail with client_gone and `respond`
/// return false; nothing throws.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir::net {

/// The head of a request; views into the connection's buffer, valid as long as the exchange.
struct Head {
  std::string_view method;
  std::string_view target;                ///< the path, without the query; still percent-encoded
  std::string_view query;                 ///< what follows '?', if anything
  unsigned version = 11;                  ///< 10 or 11
  std::optional<Bytes> content_length{};  ///< as sent: of the encoded body
  bool chunked = false;
  bool gzip = false;              ///< `read` inflates it
  bool unknown_encoding = false;  ///< a Content-Encoding that `read` does not undo: answer 415
  bool keep_alive = true;
  bool expect_continue = false;
  std::string_view content_type{};  ///< "" when not sent
  std::string_view host{};          ///< as sent, with its port; "" only in HTTP/1.0
  std::string_view fields{};        ///< all header lines as sent, each ended by CR LF

  /// The first field of this name, whatever its case; "" when there is none. Cost: a scan of the header, about 100 ns.
  std::string_view header(std::string_view name) const;
  bool has_body() const { return chunked || (content_length && content_length->count() > 0); }
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string body{};
  std::optional<Duration> retry_after{};  ///< in whole seconds, rounded up
  bool close = false;
  std::string_view extra_headers{};  ///< whole lines, each ended by CR LF
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Head& head() const = 0;
  /// Who sent it, for keys of limiters: the address without its port; "" once the client has gone.
  virtual std::string peer() const { return {}; }
  /// A number of the connection it came on: no other one of this server ever has it.
  virtual std::uint64_t connection() const { return 0; }

  /// The next piece of the decoded body: at most `credit` bytes, valid until the next call; empty = end of the body.
  /// The first call sends "100 Continue" when the client waits for it. A handler that waits for something else while it
  /// still needs a piece keeps a whole read_buffer to itself; copy it out first (see connection_footprint).
  ///
  /// Rejection: body_timeout (too slow), bad_request (damaged framing), too_large (more decoded bytes than
  /// `limit_body`), unsupported_encoding (damaged gzip), client_gone. After one of them every further call repeats it.
  virtual boost::asio::awaitable<Admitted<std::string_view>> read(Bytes credit) = 0;
  /// The most decoded bytes that `read` will hand out: 64 MiB unless told. Gzip bombs stop here.
  virtual void limit_body(Bytes most) = 0;

  /// The whole answer in one write. False: the client has gone. A body that was not read to its end is drained when at
  /// most 64 KiB of it are missing, and the connection lives on; otherwise the answer says close, what
  /// still comes is thrown away for at most linger_timeout, so that no reset destroys it, and the connection closes.
  virtual boost::asio::awaitable<bool> respond(Response response) = 0;

  /// A streamed answer: chunked, or ended by closing for HTTP/1.0. `write` waits while the client does not read.
  virtual boost::asio::awaitable<bool> start(int status, std::string_view content_type) = 0;
  virtual boost::asio::awaitable<bool> write(std::string_view piece) = 0;
  virtual boost::asio::awaitable<bool> finish() = 0;

  /// Whether the client closed or reset its side. A hint for handlers that wait: a client may close its sending side
  /// and still read, so it has to be answered anyway. Cost: a system call.
  virtual bool client_gone() const = 0;
  /// While it is we who make the client wait (pressure, an ack), its deadlines stand still; to the answer at most.
  virtual void pause_timeouts(bool paused) = 0;
};

using Handler = std::function<boost::asio::awaitable<void>(Exchange&)>;

}  // namespace weir::net
