#include <weir/flow/admit/concurrency_limit.h>

#include <array>

namespace weir::flow {

std::string_view name(LimitMove move) {
  constexpr std::array<std::string_view, 7> names{"none", "room",     "contention", "failures",
                                                  "dip",  "baseline", "unused"};
  return names[static_cast<std::size_t>(move)];
}

}  // namespace weir::flow
