#pragma once
/// Random times from a seed: the same on every machine that rounds alike.
///
/// Thread: one owner. Cost: a logarithm a draw.
#include <weir/base/rng.h>

#include <cmath>
#include <numbers>

namespace weir::sim {

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : rng_(seed * 0x9e3779b97f4a7c15u + 12345) {
    for (int i = 0; i < 4; ++i) rng_.next();
  }
  /// In (0, 1).
  double uniform() { return (static_cast<double>(rng_.next() >> 11) + 0.5) * 0x1p-53; }
  double exponential() { return -std::log(uniform()); }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  Rng rng_;
};

}  // namespace weir::sim
