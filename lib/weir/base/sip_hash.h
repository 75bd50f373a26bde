#pragma once
/// Hashes what strangers choose: under a secret of the process nobody can make keys that collide, so that tables of
/// keys cannot be attacked. Two of n keys collide by chance with probability n^2 / 2^129.
///
/// Thread: a pure function. Cost: about 20 ns. Ref: Aumasson, Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT
/// 2012 (SipHash-2-4 with 128 bits).
#include <cstdint>
#include <string_view>

namespace weir {

struct KeyHash {
  std::uint64_t high = 0, low = 0;
  bool operator==(const KeyHash&) const = default;
};

KeyHash sip_hash(std::string_view bytes, const KeyHash& secret);

}  // namespace weir
