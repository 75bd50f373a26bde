#include <weir/flow/admit/return_times.h>

#include <algorithm>
#include <limits>

namespace weir::flow {

std::optional<Duration> ReturnTimes::take(std::uint64_t in_a_second, std::uint64_t at_once, TimePoint now) {
  constexpr Promises::Slot second = Promises::slots_per_second;
  told_.advance(now);
  const Promises::Slot here = Promises::slot(now);
  for (Promises::Slot s = 1; s <= longest / std::chrono::seconds(1); ++s) {
    const Promises::Slot then = here + s * second;
    if (told_.count(then) >= at_once || told_.count(then - second / 2, second) >= in_a_second) continue;
    told_.add(then);
    return std::chrono::seconds(s);
  }
  return std::nullopt;
}

Duration ReturnTimes::tell(Duration each, TimePoint now) {
  const auto most = each > Duration{0} ? std::max<std::int64_t>(1, std::chrono::seconds(1) / each) : 1;
  return take(static_cast<std::uint64_t>(most), std::numeric_limits<std::uint64_t>::max(), now).value_or(longest);
}

}  // namespace weir::flow
