#include "pipeline/graph/own_address.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <algorithm>

#include "net/address.h"

namespace weir::pipeline {
namespace {

namespace ip = boost::asio::ip;

std::string port_of(const std::string& address) { return address.substr(std::min(address.rfind(':'), address.size())); }

/// Only an address of this machine can be bound.
bool is_here(const ip::address& address) {
  boost::asio::io_context io(1);
  ip::udp::socket socket(io);
  boost::system::error_code error;
  socket.open(address.is_v4() ? ip::udp::v4() : ip::udp::v6(), error);
  if (!error) socket.bind({address, 0}, error);
  return !error;
}

}  // namespace

bool reaches(const std::string& dialled, const std::string& listen) {
  const auto port = port_of(listen);
  if (port.empty() || port == ":0" || port != port_of(dialled)) return false;
  const auto to = net::resolve_all(dialled);
  const auto at = net::resolve(listen);
  if (!to || !at) return false;
  return std::ranges::any_of(*to, [&](const net::Endpoint& each) {
    return each.address() == at->address() || (at->address().is_unspecified() && is_here(each.address()));
  });
}

}  // namespace weir::pipeline
