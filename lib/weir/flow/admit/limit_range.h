#pragma once
/// Where a limit on requests in flight begins, and between which numbers it moves.
///
/// Thread: a value. Cost: none.
#include <weir/base/checked.h>

#include <algorithm>
#include <cstdint>

namespace weir::flow {

struct LimitRange {
  std::uint32_t start = 20;
  std::uint32_t least = 1;
  std::uint32_t most = 200;
  bool operator==(const LimitRange&) const = default;

  double clamp(double limit) const { return std::clamp(limit, static_cast<double>(least), static_cast<double>(most)); }
};

/// The first value that cannot be (weir/base/checked.h): 1 <= least <= start <= most <= 1 000 000.
[[nodiscard]] std::optional<Unfit> check(const LimitRange& range);

}  // namespace weir::flow
