#include <weir/async/client_key.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace weir::async {
namespace {

/// Its first bits, as so many bytes; the rest of the last one is 0.
std::string prefix(std::string_view bytes, int bits) {
  std::string out(bytes.substr(0, static_cast<std::size_t>((bits + 7) / 8)));
  if (bits % 8 != 0 && !out.empty())
    out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) & (0xff00u >> (bits % 8)));
  return out;
}

/// Of a text that is no address: the text.
std::string network_of(const std::string& peer, const ClientKey& key) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, peer.c_str(), bytes.data()) == 1) return prefix({bytes.data(), 4}, key.ipv4_bits);
  if (inet_pton(AF_INET6, peer.substr(0, peer.find('%')).c_str(), bytes.data()) != 1) return peer;
  constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);  // an IPv4 address on an IPv6 socket
  const std::string_view all(bytes.data(), bytes.size());
  return all.starts_with(mapped) ? prefix(all.substr(12), key.ipv4_bits) : prefix(all, key.ipv6_bits);
}

std::uint64_t hash_of_part(const ClientKey& key, const Caller* caller, const KeyHash& secret) {
  if (!caller || key.of == ClientKey::Of::none) return sip_hash({}, secret).low;
  switch (key.of) {
    case ClientKey::Of::peer: return sip_hash(network_of(caller->peer(), key), secret).low;
    case ClientKey::Of::tls_subject: return sip_hash(caller->tls_subject(), secret).low;
    case ClientKey::Of::path: return sip_hash(caller->path(), secret).low;
    case ClientKey::Of::field: return sip_hash(caller->field(key.field), secret).low;
    default: return sip_hash(caller->header(key.header), secret).low;
  }
}

}  // namespace

bool ClientKey::reads_events() const {
  return of == Of::field || std::ranges::any_of(with, [](const ClientKey& part) { return part.reads_events(); });
}

std::uint64_t hash_of(const ClientKey& key, const Caller* caller, const KeyHash& secret) {
  const std::uint64_t first = hash_of_part(key, caller, secret);
  if (key.with.empty()) return first;
  std::string parts(reinterpret_cast<const char*>(&first), sizeof first);
  for (const ClientKey& part : key.with) {
    const std::uint64_t hash = hash_of_part(part, caller, secret);
    parts.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  }
  return sip_hash(parts, secret).low;
}

KeyHash secret_of(const Context& context) {
  Rng rng = context.rng();
  return {rng.next(), rng.next()};
}

}  // namespace weir::async
