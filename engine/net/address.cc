#include "net/address.h"

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <charconv>

namespace weir::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostPort> split(const std::string& address) {
  const auto wrong = [&](std::string_view why) {
    return failure(fmt::format("{}: {}: write host:port, such as 127.0.0.1:8080 or [::1]:8080", address, why));
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return wrong("the port is missing");
  HostPort out{address.substr(0, colon), 0};
  if (out.host.starts_with('[')) {
    if (!out.host.ends_with(']')) return wrong("the ']' is missing");
    out.host = out.host.substr(1, out.host.size() - 2);
  } else if (out.host.find(':') != std::string::npos) {
    return wrong("an IPv6 address needs brackets");
  }
  if (out.host.empty()) return wrong("the host is missing");
  const char* end = address.data() + address.size();
  const auto [at, error] = std::from_chars(address.data() + colon + 1, end, out.port);
  if (error != std::errc{} || at != end) return wrong("the port is not a number from 0 to 65535");
  return out;
}

std::unexpected<Error> bind_failure(const Endpoint& endpoint, const ErrorCode& error) {
  const std::string where = to_string(endpoint);
  if (error == asio::error::address_in_use)
    return failure(fmt::format("{} is in use by another process: choose another `listen`", where));
  if (error == asio::error::access_denied)
    return failure(
        fmt::format("{}: permission denied: choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE", where));
  if (error == boost::system::errc::address_not_available)
    return failure(fmt::format("{} is not an address of this machine: choose another `listen`", where));
  return failure(fmt::format("{}: cannot listen: {}", where, error.message()));
}

}  // namespace

Result<std::vector<Endpoint>> resolve_all(const std::string& address) {
  auto parts = split(address);
  if (!parts) return std::unexpected(parts.error());
  ErrorCode error;
  const auto literal = asio::ip::make_address(parts->host, error);
  if (!error) return std::vector{Endpoint(literal, parts->port)};
  asio::io_context io(1);
  tcp::resolver resolver(io);
  // Not only families that this machine has a global address of: a container's may be local, and what cannot be
  // reached fails at once.
  const auto found = resolver.resolve(parts->host, std::to_string(parts->port), tcp::resolver::flags{}, error);
  if (error || found.empty())
    return failure(fmt::format("{}: cannot resolve {}: {}: check the name, or write an address", address, parts->host,
                               error.message()));
  std::vector<Endpoint> all;
  for (const auto& entry : found) all.push_back(entry.endpoint());
  return by_turns(std::move(all));
}

std::vector<Endpoint> by_turns(std::vector<Endpoint> addresses) {
  const bool first = !addresses.empty() && addresses.front().address().is_v6();
  std::vector<Endpoint> others, all;
  for (const Endpoint& e : addresses)
    if (e.address().is_v6() != first) others.push_back(e);
  auto other = others.begin();
  for (const Endpoint& e : addresses) {
    if (e.address().is_v6() != first) continue;
    all.push_back(e);
    if (other != others.end()) all.push_back(*other++);
  }
  all.insert(all.end(), other, others.end());
  return all;
}

bool is_literal(const std::string& address) {
  const auto parts = split(address);
  ErrorCode error;
  if (parts) asio::ip::make_address(parts->host, error);
  return parts && !error;
}

Result<Endpoint> resolve(const std::string& address) {
  const auto all = resolve_all(address);
  if (!all) return std::unexpected(all.error());
  const auto v4 = std::ranges::find_if(*all, [](const Endpoint& e) { return e.address().is_v4(); });
  return v4 != all->end() ? *v4 : all->front();
}

std::string to_string(const Endpoint& endpoint) {
  const auto host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

Result<void> check_free(const Endpoint& endpoint) {
  asio::io_context io(1);
  tcp::acceptor probe(io);
  ErrorCode error;
  probe.open(endpoint.protocol(), error);
  // Old connections in TIME_WAIT are no obstacle; a listener is, with or without this option.
  if (!error) probe.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) probe.bind(endpoint, error);
  if (error) return bind_failure(endpoint, error);
  return {};
}

bool is_connected_to_itself(int socket) {
  Endpoint here, there;
  socklen_t size_here = static_cast<socklen_t>(here.capacity()), size_there = static_cast<socklen_t>(there.capacity());
  if (::getsockname(socket, here.data(), &size_here) != 0 || ::getpeername(socket, there.data(), &size_there) != 0)
    return false;
  return here == there;
}

/// A socket that allows its address to be used again, and does not listen, keeps it from nobody. So it allows that only
/// where connections in TIME_WAIT leave no other way, and takes it back.
Result<void> bind_to(tcp::acceptor& acceptor, const Endpoint& endpoint) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (error == asio::error::address_in_use) {
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(false), error);
  }
  if (!error) return {};
  return bind_failure(endpoint, error);
}

Result<void> listen_on(tcp::acceptor& acceptor, const Endpoint& endpoint, const ListenOptions& options) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && options.reuse_port) acceptor.set_option(ReusePort(true), error);
  // Before listen: the window scale of a connection is fixed by the listener's buffer when it is established.
  if (!error)
    acceptor.set_option(asio::socket_base::receive_buffer_size(static_cast<int>(options.receive_buffer.count())),
                        error);
  if (!error)
    acceptor.set_option(asio::socket_base::send_buffer_size(static_cast<int>(options.send_buffer.count())), error);
  if (!error) acceptor.set_option(tcp::no_delay(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return {};
  ErrorCode ignored;
  acceptor.close(ignored);
  return bind_failure(endpoint, error);
}

}  // namespace weir::net
