#include <weir/base/sip_hash.h>

#include <bit>
#include <cstring>

namespace weir {
namespace {

struct Sip {
  std::uint64_t a, b, c, d;
  void rounds(int n) {
    for (; n > 0; --n) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b;
      a += d;
      b = std::rotl(b, 17) ^ c;
      d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  }
  void absorb(std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  }
  std::uint64_t sum() const { return a ^ b ^ c ^ d; }
};

}  // namespace

KeyHash sip_hash(std::string_view bytes, const KeyHash& secret) {
  static_assert(std::endian::native == std::endian::little);
  const auto [k0, k1] = secret;
  Sip sip{k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee, k0 ^ 0x6c7967656e657261u,
          k1 ^ 0x7465646279746573u};
  const auto length = bytes.size();
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    sip.absorb(word);
  }
  std::uint64_t last = 0;
  if (!bytes.empty()) std::memcpy(&last, bytes.data(), bytes.size());
  sip.absorb(last | static_cast<std::uint64_t>(length) << 56);
  KeyHash made;
  sip.c ^= 0xee;
  sip.rounds(4);
  made.high = sip.sum();
  sip.b ^= 0xdd;
  sip.rounds(4);
  made.low = sip.sum();
  return made;
}

}  // namespace weir
