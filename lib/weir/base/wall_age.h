#pragma once
/// How long ago something was, of which only the time of the wall clock is known: what lies on the disk.
///
///   age = max(0, min(wall clock - then, wall clock at the start + steady clock since the start - then))
///
/// The first is wrong behind a step of the wall clock forward for what was before it, the second for what came after
/// one back. The smaller is never too large by a step since the start, so no step makes anything old; what a process
/// before this one has written goes by the wall clock as it was at our start. See docs/clocks.md.
///
/// Thread: a value, immutable. Cost: none.
#include <weir/base/context.h>

#include <algorithm>

namespace weir {

class WallAge {
 public:
  explicit WallAge(const Context& context) : since_(context.now()), wall_(context.wall()) {}
  Duration of(WallTime then, const Context& context) const {
    const auto by_steady = wall_ + (context.now() - since_);
    return std::max(Duration{0}, Duration(std::min(context.wall(), by_steady) - then));
  }

 private:
  TimePoint since_;
  WallTime wall_;
};

}  // namespace weir
