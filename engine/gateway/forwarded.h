#pragma once
/// Who has asked, as an upstream is told it: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239), or both.
///
/// What a client says of these is believed only when its address lies in a network that is trusted, because anybody can
/// write them: from others they are dropped, and the upstream reads what the gateway itself saw. From one that is
/// trusted X-Forwarded-For and Forwarded are continued, and X-Forwarded-Proto and -Host stay as they came.
///
/// Thread: values. Cost: about 100 ns a request. Ref: RFC 7239 sections 4 to 6.
#include <boost/asio/ip/address.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "config/gateways.h"

namespace weir::gateway {

/// Networks as they are written in the configuration, which has checked their form: 10.0.0.0/8, 192.168.1.7, fd00::/8.
class Networks {
 public:
  Networks() = default;
  explicit Networks(const std::vector<std::string>& texts);
  /// An address that cannot be read is in none of them. IPv4 in IPv6 (::ffff:10.0.0.1) is the IPv4 address.
  bool contains(std::string_view address) const;

 private:
  struct Network {
    boost::asio::ip::address_v6::bytes_type bytes;
    int bits;
  };
  std::vector<Network> all_;
};

/// Where a request comes from, for the fields that say so.
struct Origin {
  std::string_view peer{};  ///< an address without its port
  bool tls = false;
  bool trusted = false;  ///< what it says of others is believed
  config::Forwarded style = config::Forwarded::x_forwarded;
};

/// The fields of a request that say who has asked, taken out of it one by one, and written anew.
class ForwardedFields {
 public:
  /// Whether it is one of them: then it is not passed on as it is.
  bool take(std::string_view name, std::string_view value);
  /// Whole lines. `host`: what the client has asked for.
  void write(std::string& out, const Origin& origin, std::string_view host) const;

 private:
  std::string for_, proto_, host_, forwarded_;
};

}  // namespace weir::gateway
