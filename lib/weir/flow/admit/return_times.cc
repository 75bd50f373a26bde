#include <weir/flow/admit/return_times.h>

#include <algorithm>

namespace weir::flow {

Duration ReturnTimes::tell(Duration each, TimePoint now) {
  constexpr Promises::Slot second = Promises::slots_per_second;
  told_.advance(now);
  const auto most = each > Duration{0} ? std::max<std::int64_t>(1, std::chrono::seconds(1) / each) : 1;
  const Promises::Slot here = Promises::slot(now);
  for (Promises::Slot s = 1; s <= longest / std::chrono::seconds(1); ++s) {
    const Promises::Slot then = here + s * second;
    if (told_.count(then - second / 2, second) >= static_cast<std::uint64_t>(most)) continue;
    told_.add(then);
    return std::chrono::seconds(s);
  }
  return longest;
}

}  // namespace weir::flow
