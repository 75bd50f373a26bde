#pragma once
/// TLS over a socket whose waiting is done by the caller: no Asio, no threads, no waiting in here.
///
/// A TlsContext is made from files, with errors that name the file and what to do; `reload` reads them again, for this
/// context and all copies of it, and keeps what it has when they are wrong. A TlsSession is one connection:
/// every call does what can be done now and says what it waits for, so a reactor waits with its poller and a worker
/// thread with poll(). TLS 1.2 at least, with OpenSSL's own choice of ciphers. No session tickets: a client that only
/// writes never reads them, and closing with unread bytes makes its kernel send a reset, which can cost events.
///
/// Who speaks HTTP offers "http/1.1" to a server that chooses by name (ALPN), and takes it from a client that offers
/// it.
///
/// A server may demand a certificate of its clients (client_names.h): the handshake of one that shows none, or none
/// that is let in, fails on both sides.
///
/// A connection that ends without TLS's close_notify is `failed`, never `end`: an attacker on the way may have cut it.
///
/// Thread: a TlsContext any; a TlsSession one at a time. Cost: a handshake about 1 ms of CPU (RSA
/// 2048), then about 1 ns for 2 bytes. Memory: tls_footprint a connection, soft: OpenSSL allocates what it wants.
/// Ref: RFC 8446, RFC 5246, RFC 6125.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace weir::net {

/// What a TLS connection takes besides its socket: buffers of a record each way, the session, the certificates.
inline constexpr Bytes tls_footprint = 40_KiB;

class TlsSession {
 public:
  enum class State : std::uint8_t { ok, wait_read, wait_write, end, failed };
  /// Bytes may have moved before the state says why no more do.
  struct Moved {
    std::size_t bytes = 0;
    State state = State::ok;
  };

  /// `ok`: it is done. Reading and writing before that is a defect.
  State handshake();
  /// As many as there are now, up to `most`; `ok` only when `most` have come.
  Moved read(char* into, std::size_t most);
  /// The same without taking them: at most what is left of one record.
  Moved peek(char* into, std::size_t most);
  Moved write(std::string_view bytes);
  /// Whether `read` has something without looking at the socket: then waiting for the socket could be for ever.
  bool pending() const;
  /// Sends close_notify if that can be done without waiting.
  void shut_down();
  /// After `failed`: one line, without what the peer sent.
  const std::string& why() const { return why_; }
  /// Of the other side's certificate, as RFC 2253 writes it: "CN=orders,O=Acme"; empty: it has shown none.
  std::string peer_subject() const;
  /// After `failed`: because its certificate, or that it shows none, does not let it in.
  bool is_unknown_peer() const { return unknown_peer_; }

 private:
  friend class TlsContext;
  explicit TlsSession(ssl_st* ssl);
  State state_of(int result);

  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  std::unique_ptr<ssl_st, Free> ssl_;
  std::string why_;
  bool unknown_peer_ = false;
};

/// Files of one certificate, in PEM; the certificate's may hold its chain behind it.
struct TlsPair {
  std::string certificate, key;
};

/// Which clients a server lets in.
struct TlsClients {
  std::string ca;                  ///< PEM file: one of these has signed their certificates; empty: none is asked for
  std::vector<std::string> names;  ///< each has one of these as its name (client_names.h); empty: all that are signed
};

/// What is wrong with them beside a listener that has TLS or not, whatever the files hold.
Result<void> check_clients(const TlsClients& clients, bool has_tls);

class TlsContext {
 public:
  /// For listening.
  static Result<TlsContext> server(const std::string& certificate, const std::string& key, WallTime now,
                                   TlsClients clients = {});
  /// For connecting. `ca` is a PEM file; "" trusts the certificates of the system. `own` is shown to a server that
  /// asks; without it there is none to show.
  static Result<TlsContext> client(const std::string& ca, TlsPair own = {});

  /// Sessions from now on have what the files say now; those that are open stay as they are. A certificate that has
  /// expired is not taken in the place of one that has not: nobody would believe it.
  Result<void> reload(WallTime now) const;
  /// The same for a listener, in words: what was read, with the warning if there is one, or why it keeps what it has.
  Result<std::string> renew(WallTime now) const;
  /// "its certificate expired on 2026-01-31": it still serves, but clients will refuse it. Empty: nothing to say.
  std::string warning() const;
  /// `fd` must be open as long as the session is used, and is never closed by it.
  std::unique_ptr<TlsSession> accept(int fd) const;
  /// The peer must show a certificate for `server_name`: a host name or an address. `offers_http`: says so (ALPN).
  std::unique_ptr<TlsSession> connect(int fd, const std::string& server_name, bool offers_http = false) const;

 private:
  TlsContext() = default;
  struct Files {
    TlsPair own;
    std::string ca;
    std::vector<std::string> client_names;
    bool serves = false;
  };
  struct Loaded {
    std::shared_ptr<ssl_ctx_st> context;
    std::string warning;
  };
  struct Shared;
  static Result<Loaded> load(const Files& files, WallTime now);
  static Result<TlsContext> make(Files files, WallTime now);
  std::shared_ptr<ssl_ctx_st> context() const;
  std::shared_ptr<Shared> shared_;
};

}  // namespace weir::net
