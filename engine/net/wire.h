#pragma once
/// A connected socket, with TLS or without, as both ends of a connection use it: what can be done now is done at once,
/// and what has to wait is awaited, each direction for itself. Who reads and who writes may be two coroutines.
///
/// Thread: one reactor. Cost: a system call a read or write, none where nothing can have come (readiness.h); TLS as in
/// tls.h. On cancel: `interrupt` ends the waits of
/// both directions, and each looks again whether it is meant; `close` ends them for good.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <optional>
#include <string_view>

#include "net/readiness.h"
#include "net/tls.h"

namespace weir::net {

class Wire {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  template <typename T>
  using awaitable = boost::asio::awaitable<T>;
  /// What goes out together, in one system call where it fits.
  struct Parts {
    std::string_view a, b, c;
    std::size_t size() const { return a.size() + b.size() + c.size(); }
  };
  static constexpr long nothing_now = -1, broken = -2;

  explicit Wire(Socket socket);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  /// Before anything else: it speaks TLS from here on.
  void secure(std::unique_ptr<TlsSession> session) { tls_ = std::move(session); }
  /// False: the other side does not speak TLS, or is not let in (`tls()->is_unknown_peer()`).
  awaitable<bool> shake_hands();
  /// > 0: so many bytes; 0: the other side sends no more; nothing_now; broken.
  long receive(char* into, std::size_t most);
  /// > 0: so many bytes of what follows the first `skip`; nothing_now; broken. After nothing_now the same bytes have to
  /// be offered again, as OpenSSL demands.
  long send(const Parts& pieces, std::size_t skip);
  /// Until `receive` has something; false: the wait was interrupted.
  awaitable<bool> readable();
  awaitable<bool> writable();

  /// Of one that nobody waits for: whether it is at rest: `surely` now, else as far as is known to whom an event has
  /// woken, which spares a system call.
  bool is_at_rest(bool surely);
  /// Something has arrived that was not read.
  bool has_input();
  /// So many bytes, not yet decrypted.
  std::size_t input() const;
  /// Whether the other side has closed its sending half or all of it; `reset_only`: only when it is all of it.
  bool is_hung_up(bool reset_only);
  void interrupt();
  /// Says that no more comes.
  void shut_down();
  void close();
  /// The other side reads an error instead of an end, whatever it has not read yet.
  void reset();
  bool is_open() const { return socket_ >= 0; }

  int socket() const { return socket_; }
  /// Unspecified: it has gone.
  boost::asio::ip::address peer() const;
  const TlsSession* tls() const { return tls_.get(); }

 private:
  long send_plain(const Parts& pieces, std::size_t skip);
  long send_tls(const Parts& pieces, std::size_t skip);
  void end();

  int socket_;
  std::optional<Watch> watch_;  // as long as it is open
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace weir::net
