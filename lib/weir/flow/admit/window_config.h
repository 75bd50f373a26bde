#pragma once
/// A rate written as so many in such a time: 1000 in a minute.
///
/// Thread: a value. Cost: none.
#include <weir/base/checked.h>

#include <cstdint>

namespace weir::flow {

struct WindowConfig {
  std::uint64_t limit = 0;
  Duration length{0};
  bool operator==(const WindowConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h): a limit from 1 to 10^12, a length from 1 us to ten years.
[[nodiscard]] std::optional<Unfit> check(const WindowConfig& config);

}  // namespace weir::flow
