#include "net/held_port.h"

#include <boost/asio/io_context.hpp>

#include "net/address.h"

namespace weir::net {

struct HeldPort::Socket {
  boost::asio::io_context io{1};
  boost::asio::ip::tcp::acceptor acceptor{io};
};

HeldPort::HeldPort() = default;
HeldPort::HeldPort(HeldPort&& other) noexcept = default;
HeldPort& HeldPort::operator=(HeldPort&& other) noexcept = default;
HeldPort::~HeldPort() = default;

Result<HeldPort> HeldPort::take(const std::string& listen) {
  const auto endpoint = resolve(listen);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->port() != 0)
    if (auto free = check_free(*endpoint); !free) return std::unexpected(free.error());
  HeldPort held;
  held.socket_ = std::make_unique<Socket>();
  auto& acceptor = held.socket_->acceptor;
  if (auto bound = bind_to(acceptor, *endpoint); !bound) return std::unexpected(bound.error());
  held.address_ = to_string(acceptor.local_endpoint());
  return held;
}

}  // namespace weir::net
