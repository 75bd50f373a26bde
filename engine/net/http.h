#pragma once
/// One request and its answer, without saying which protocol carries them: HTTP/1.1 stands behind it, with
/// or without TLS; HTTP/2 fits behind it later.
///
/// The body is read by credit. A handler asks for at most so many bytes; until it asks, the socket is not read, the
/// kernel's buffer fills and TCP's window closes: that is how backpressure reaches the client. So no byte is read
/// without memory reserved for it (except what came in one read with the head: at most max_header).
///
/// The two halves go on side by side: one coroutine may read the body while another writes the answer, and each half
/// has its own deadline.
///
/// A handler answers once: `respond`, or `start`, `write`..., `finish`. One that returns without an answer closes the
/// connection. It runs on its reactor's thread and must not block.
///
/// Thread: the reactor of the server. On cancel: a client that leaves makes `read` fail with client_gone and `respond`
/// return false; nothing throws.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
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
  std::string_view authority{};     ///< that of an absolute target where there is one, else `host`
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

/// The head of a streamed answer.
struct AnswerStart {
  int status = 200;
  std::string_view content_type{};        ///< "": none, or it is one of the fields
  std::string_view fields{};              ///< whole lines, each ended by CR LF; none about length, framing, connection
  std::optional<std::uint64_t> length{};  ///< of the body, for HEAD of the one that is left out; nothing: not known yet
  std::string_view first{};               ///< the beginning of the body, sent with the head; only where length is said
  bool close = false;                     ///< the connection ends after it
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Head& head() const = 0;
  /// Who sent it, for keys of limiters: the address without its port; "" once the client has gone.
  virtual std::string peer() const { return {}; }
  /// The subject of the certificate that the client has shown (RFC 2253); empty: it has shown none.
  virtual std::string tls_subject() const { return {}; }
  /// A number of the connection it came on: no other one of this server ever has it.
  virtual std::uint64_t connection() const { return 0; }

  /// The next piece of the decoded body: at most `credit` bytes, valid until the next call; empty = end of the body.
  /// The first call sends "100 Continue" when the client waits for it. A handler that waits for something else while it
  /// still needs a piece keeps a whole read_buffer to itself; copy it out first (see connection_footprint).
  ///
  /// Rejection: body_timeout (too slow), bad_request (damaged framing), too_large (more decoded bytes than
  /// `limit_body`), unsupported_encoding (damaged gzip), client_gone. After one of them every further call repeats it.
  virtual boost::asio::awaitable<Admitted<std::string_view>> read(Bytes credit) = 0;
  /// After the end of a body in chunks: the fields behind it, whole lines.
  virtual std::string_view trailers() const { return {}; }
  /// From here on `read` gives the body as it was sent, gzip not undone.
  virtual void keep_encoding() = 0;
  /// Ends a `read` that waits, and every later one, with client_gone: an answer is given that does not need the rest.
  virtual void stop_reading() = 0;
  /// The most decoded bytes that `read` will hand out: 64 MiB unless told. Gzip bombs stop here.
  virtual void limit_body(Bytes most) = 0;

  /// The whole answer in one write. False: the client has gone. A body that was not read to its end is drained when at
  /// most 64 KiB of it are missing, and the connection lives on; otherwise the answer says close, what
  /// still comes is thrown away for at most linger_timeout, so that no reset destroys it, and the connection closes.
  virtual boost::asio::awaitable<bool> respond(Response response) = 0;

  /// A streamed answer: of the length that is said, else chunked, or ended by closing for HTTP/1.0. `write` waits while
  /// the client does not read. One that is finished short of its length closes the connection.
  virtual boost::asio::awaitable<bool> start(AnswerStart answer) = 0;
  boost::asio::awaitable<bool> start(int status, std::string_view content_type) {
    return start(AnswerStart{.status = status, .content_type = content_type});
  }
  virtual boost::asio::awaitable<bool> write(std::string_view piece) = 0;
  /// `trailers`: whole lines; sent behind chunks to a client that has said it takes them, else left out.
  virtual boost::asio::awaitable<bool> finish(std::string_view trailers) = 0;
  boost::asio::awaitable<bool> finish() { return finish({}); }
  /// The answer will not be whole: the client reads an error where its end would be.
  virtual void abort() = 0;
  /// An interim answer (1xx) before the one that counts; not to HTTP/1.0, which knows none.
  virtual boost::asio::awaitable<bool> inform(int status, std::string_view fields) = 0;

  /// The answer is 101: `fields` are whole lines, Connection and Upgrade among them. From here on `read` gives what the
  /// client sends and `write` is sent as it is, until `finish`; no deadline but that the client reads.
  virtual boost::asio::awaitable<bool> switch_protocols(std::string_view fields) = 0;

  /// Whether the client closed or reset its side. A hint for handlers that wait: a client may close its sending side
  /// and still read, so it has to be answered anyway. Cost: a system call.
  virtual bool client_gone() const = 0;
  /// The same, but only if it can no longer read either.
  virtual bool client_unreachable() const = 0;
  /// The client can no longer be served: it is unreachable, or has closed its sending side before its request was
  /// whole.
  virtual bool request_cut_off() const { return client_unreachable(); }
  /// This connection no longer counts among the server's and those of its address, and is closed for no other: for an
  /// answer that goes on for hours. The handler bounds how many there are, and declares their memory. It ends with the
  /// answer (AnswerStart::close).
  virtual void set_apart() {}
  /// While it is we who make the client wait (pressure, an ack), its deadlines stand still; to the answer at most.
  virtual void pause_timeouts(bool paused) = 0;
};

using Handler = std::function<boost::asio::awaitable<void>(Exchange&)>;

}  // namespace weir::net
