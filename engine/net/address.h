#pragma once
/// Addresses, to listen on or to dial (dialer.h): "host:port", "[::1]:8080", port 0 for any free one.
///
/// Two servers of one process share a port on purpose (SO_REUSEPORT, one listener for each reactor). The price of that
/// option is that a second *process* would join silently and take half of the connections, so before the first listener
/// opens, `check_free` binds once without the option: that fails exactly when another process listens there.
///
/// Thread: any. Cost: name resolution and a few system calls; at start only.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <vector>

namespace weir::net {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// To listen: a name that has both kinds of address becomes its IPv4 one.
Result<Endpoint> resolve(const std::string& address);

/// Every address of the name, in the resolver's order with the two families by turns (RFC 8305 section 4).
Result<std::vector<Endpoint>> resolve_all(const std::string& address);

/// The families by turns, beginning with the first one's; otherwise in the order given.
std::vector<Endpoint> by_turns(std::vector<Endpoint> addresses);

/// Whether it is an address in numbers, which needs no resolver.
bool is_literal(const std::string& address);

/// "127.0.0.1:8080", "[::1]:8080".
std::string to_string(const Endpoint& endpoint);

/// "127.0.0.1:8080 is in use by another process: choose another `listen`", or nothing to say.
Result<void> check_free(const Endpoint& endpoint);

/// Whether the socket is connected to itself: when nothing listens on a local port from the ephemeral range, a
/// connection to that port may be given the same port as its own, and then it receives what it sends.
bool is_connected_to_itself(int socket);

struct ListenOptions {
  Bytes receive_buffer, send_buffer;  ///< SO_RCVBUF, SO_SNDBUF; inherited by every accepted connection
  bool reuse_port = true;
};

/// Opens and binds for listeners with `reuse_port` to join, and does not listen.
Result<void> bind_to(boost::asio::ip::tcp::acceptor& acceptor, const Endpoint& endpoint);

/// Opens, binds and listens. The error names the address and what to do about it.
Result<void> listen_on(boost::asio::ip::tcp::acceptor& acceptor, const Endpoint& endpoint,
                       const ListenOptions& options);

}  // namespace weir::net
