#pragma once
/// Connections to one server, kept between requests: bounded in number, idle time and age.
///
/// The one that was used last is taken first, so that those that are not needed grow old and are closed. One that the
/// server has closed meanwhile is noticed when it is taken; one that it closes at that very moment fails with nothing
/// answered (`has_begun` is false), and then its owner may ask for a `fresh` one where repeating is safe.
///
/// A name is looked up when the pool begins and every 20 s, in the background; when an answer fails, the addresses
/// known before stay. While there are none, whoever wants a connection waits for them as long as it may take to open. A
/// connection whose address is no longer among the answers lives on to its own end.
///
/// Thread: one reactor; `stats` too. Cost: a system call to take a kept one. Memory: `footprint`. On cancel: `close`
/// closes what is kept, and ends the waits for new ones; those that are out belong to their owners, and must be given
/// back or destroyed before the pool.
#include <weir/async/with_deadline.h>
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/flow/demand/budget.h>

#include <boost/asio/io_context.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/async_dial.h"
#include "net/client_connection.h"

namespace weir::net {

struct PoolConfig {
  std::string address;  ///< host:port
  std::size_t max_connections = 256;
  Duration max_idle = std::chrono::seconds(30);
  Duration max_age = std::chrono::minutes(10);
  Bytes max_head = 16_KiB;
  Bytes buffer = 32_KiB;  ///< of a connection that has a request on it
  DialOptions dial{};
  std::optional<TlsContext> tls{};  ///< speak it; the server's certificate has to be for `server_name`
  std::string server_name{};        ///< empty: the host of `address`
};

struct PoolStats {
  std::size_t open = 0, idle = 0;
  std::uint64_t opened = 0, reused = 0, failed = 0;
};

class ClientPool {
 public:
  ClientPool(boost::asio::io_context& io, PoolConfig config, const Context& context);
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;
  ~ClientPool();

  /// What one connection takes with the kernel's share, both sides full.
  static Bytes footprint(const PoolConfig& config);

  struct Taken {
    std::unique_ptr<ClientConnection> connection;
    bool kept = false;  ///< it has carried a request before
  };
  /// Within `most`, the TLS handshake included, or until `stop` is asked. An Error: disconnected, or (overloaded)
  /// max_connections are out.
  boost::asio::awaitable<Result<Taken>> take(bool fresh = false, Duration most = std::chrono::hours(1),
                                             async::Stop* stop = nullptr);
  /// One that is kept, at once; nothing: there is none. Not `surely`: its server may have left it a moment ago, for
  /// requests that may be sent again.
  std::optional<Taken> take_kept(bool surely = true);
  /// Every one that was taken comes back here; one that may not be reused is closed.
  void give(std::unique_ptr<ClientConnection> connection);
  /// Closes those that were idle too long or are too old. To be called about every second.
  void sweep();
  void close();
  PoolStats stats() const { return {out_ + idle_.size(), idle_.size(), opened_, reused_, failed_}; }
  const std::string& address() const { return config_.address; }

 private:
  struct Idle {
    std::unique_ptr<ClientConnection> connection;
    TimePoint since;
  };
  struct Names;
  using Opened = Result<std::unique_ptr<ClientConnection>>;
  boost::asio::awaitable<Opened> open(Duration most, async::Stop& stop);
  boost::asio::awaitable<Opened> open_within(Duration most);
  boost::asio::awaitable<Result<void>> secure(ClientConnection& connection, Duration most);
  bool is_old(const ClientConnection& connection) const;

  boost::asio::io_context& io_;
  const PoolConfig config_;
  std::string host_;  // of the address, without brackets
  const Context& context_;
  BufferPool buffers_;
  std::shared_ptr<Names> names_;
  std::vector<Idle> idle_;  // the longest there first
  std::list<async::Stop*> opening_;
  std::size_t out_ = 0;  // those on their way to be opened included
  std::uint64_t opened_ = 0, reused_ = 0, failed_ = 0;
  bool closed_ = false;
};

}  // namespace weir::net
