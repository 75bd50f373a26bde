#include <weir/flow/admit/limit_range.h>

namespace weir::flow {

std::optional<Unfit> check(const LimitRange& range) {
  if (range.least == 0) return Unfit{"least", "is 0: write 1 or more, or nothing would ever start"};
  if (range.most > 1'000'000) return Unfit{"most", "is above 1000000: write less"};
  if (range.most < range.least) return Unfit{"most", "is below least: write at least as much"};
  if (range.start < range.least || range.start > range.most)
    return Unfit{"start", "is not between least and most: write a number from least to most"};
  return std::nullopt;
}

}  // namespace weir::flow
