#include "gateway/forwarded.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/field_lines.h"

namespace weir::gateway {
namespace {

namespace ip = boost::asio::ip;

/// All addresses as IPv6 ones, so that one comparison serves both.
std::optional<ip::address_v6::bytes_type> bytes_of(std::string_view text) {
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return address.is_v6() ? address.to_v6().to_bytes() : ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
}

/// A value of Forwarded: a token as it is, the rest in quotes; an IPv6 address also in brackets.
std::string in_quotes(std::string_view value) {
  if (net::is_token(value)) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string node(std::string_view peer) {
  if (peer.empty()) return "unknown";
  return peer.find(':') == peer.npos ? std::string(peer) : in_quotes(fmt::format("[{}]", peer));
}

}  // namespace

Networks::Networks(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const auto slash = text.find('/');
    const auto bytes = bytes_of(text.substr(0, slash));
    if (!bytes) continue;
    const bool four = text.find(':') == text.npos;
    const int most = four ? 32 : 128;
    const int bits = slash == text.npos ? most : std::min(std::stoi(text.substr(slash + 1)), most);
    all_.push_back({*bytes, bits + (four ? 96 : 0)});
  }
}

bool Networks::contains(std::string_view address) const {
  if (all_.empty()) return false;
  const auto bytes = bytes_of(address);
  return bytes && std::ranges::any_of(all_, [&](const Network& network) {
           const auto whole = static_cast<std::size_t>(network.bits / 8);
           if (!std::equal(bytes->begin(), bytes->begin() + static_cast<long>(whole), network.bytes.begin()))
             return false;
           const int rest = network.bits % 8;
           const auto mask = static_cast<unsigned>(0xff00 >> rest) & 0xffu;
           return rest == 0 || (((*bytes)[whole] ^ network.bytes[whole]) & mask) == 0;
         });
}

bool ForwardedFields::take(std::string_view name, std::string_view value) {
  if (net::same_word(name, "X-Forwarded-For")) return net::continue_list(for_, value), true;
  if (net::same_word(name, "Forwarded")) return net::continue_list(forwarded_, value), true;
  if (net::same_word(name, "X-Forwarded-Proto")) return proto_ = value, true;
  if (net::same_word(name, "X-Forwarded-Host")) return host_ = value, true;
  return false;
}

void ForwardedFields::write(std::string& out, const Origin& origin, std::string_view host) const {
  using Style = config::Forwarded;
  const std::string_view proto = origin.tls ? "https" : "http";
  const auto believed = [&](const std::string& said) {
    return origin.trusted ? std::string_view(said) : std::string_view();
  };
  if (origin.style == Style::x_forwarded || origin.style == Style::both) {
    std::string all(believed(for_));
    net::continue_list(all, origin.peer);
    const std::string_view said_proto = believed(proto_), said_host = believed(host_);
    out.append("X-Forwarded-For: ").append(all);
    out.append("\r\nX-Forwarded-Proto: ").append(said_proto.empty() ? proto : said_proto).append("\r\n");
    const std::string_view asked = said_host.empty() ? host : said_host;
    if (!asked.empty()) out.append("X-Forwarded-Host: ").append(asked).append("\r\n");
  }
  if (origin.style == Style::standard || origin.style == Style::both) {
    std::string all(believed(forwarded_));
    net::continue_list(all, fmt::format("for={}{};proto={}", node(origin.peer),
                                        host.empty() ? std::string() : ";host=" + in_quotes(host), proto));
    out.append("Forwarded: ").append(all).append("\r\n");
  }
}

}  // namespace weir::gateway
