#pragma once
/// A connection to the first of several addresses that takes it, without blocking: dialer.h for a reactor.
///
/// The addresses are tried in their order; the next one begins 250 ms after the last one, or at once when that has
/// failed. All go on side by side, and the first that is connected stays (RFC 8305 section 5).
///
/// Thread: one reactor. Cost: a socket for each address that was tried, a timer. On cancel: cancelling it ends it at
/// once.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <vector>

#include "net/address.h"

namespace weir::net {

struct DialOptions {
  Duration timeout = std::chrono::seconds(1);
  Bytes receive_buffer = 64_KiB, send_buffer = 64_KiB;  ///< SO_RCVBUF, SO_SNDBUF; the kernel doubles them
};

/// The error says what was wrong with the last address: "Connection refused".
boost::asio::awaitable<Result<boost::asio::ip::tcp::socket>> async_dial(std::vector<Endpoint> addresses,
                                                                        DialOptions options);

}  // namespace weir::net
