#pragma once
/// A connection that a sink's worker writes to, with or without TLS, and every wait bounded.
///
/// Writing gives up when the receiver takes less than 4 KiB in `write_timeout`. What it sends is discarded (or its
/// buffers would fill, and then those of this process); a close is noticed before and after each group.
///
/// Thread: one owner, which it blocks. Cost: a system call a piece, and one look before and after a group. On cancel:
/// nothing to cancel; see the bounds. The name is looked up for each connection and again while one is kept, and all
/// its addresses are tried (net/dialer.h).
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/dialer.h"
#include "net/tls.h"

namespace weir::tcp {

struct LinkConfig {
  std::string address;  ///< host:port
  Duration connect_timeout = std::chrono::seconds(5);
  Duration write_timeout = std::chrono::seconds(10);
  Bytes send_buffer = 128_KiB;  ///< SO_SNDBUF; the kernel doubles it
  std::optional<net::TlsContext> tls{};
  std::string server_name{};  ///< what its certificate must be for
};

class Link {
 public:
  Link(LinkConfig config, const Context& context)
      : config_(std::move(config)), context_(context), dialer_(config_.address, context) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { drop(); }

  /// Connected when it returns without an error: the kept connection, or a new one.
  Result<void> open();
  /// Sends all of it, or gives an error after which only `open` makes sense.
  Result<void> send(std::string_view bytes);
  /// Whether the receiver has closed meanwhile.
  Result<void> still_there();
  /// Ends it so that what was sent arrives: waits up to a second for the receiver to close too.
  void close();
  /// Ends it at once.
  void drop();

 private:
  using State = net::TlsSession::State;
  Result<void> connect();
  Result<void> shake_hands();
  net::TlsSession::Moved write(std::string_view bytes);
  State discard();
  short wait(short what, TimePoint deadline) const;
  std::unexpected<Error> lost(std::string_view what);
  std::unexpected<Error> of_no_use(std::string_view what);

  LinkConfig config_;
  const Context& context_;
  net::Dialer dialer_;
  int socket_ = -1;
  std::unique_ptr<net::TlsSession> tls_;
};

}  // namespace weir::tcp
