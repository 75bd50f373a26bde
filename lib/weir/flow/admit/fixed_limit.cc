#include <weir/flow/admit/fixed_limit.h>

namespace weir::flow {

std::optional<Unfit> check(const FixedLimitConfig& config) {
  if (config.limit == 0) return Unfit{"limit", "is 0: write 1 or more"};
  if (config.limit > 1'000'000) return Unfit{"limit", "is above 1000000: write less"};
  return std::nullopt;
}

}  // namespace weir::flow
