#include <weir/flow/admit/brief_hold.h>

#include <algorithm>

namespace weir::flow {
namespace {

constexpr int looks = 10;  // in `longest`, when nobody tells that there is room

}  // namespace

std::optional<Unfit> check(const BriefHoldConfig& config) {
  return check_duration("longest", config.longest, Zero::allowed);
}

BriefHold::BriefHold(const BriefHoldConfig& config) : config_(checked(config, "brief hold")) {}

void BriefHold::hold(HeldUnit& unit, Duration until_room, Duration each, TimePoint now) {
  const bool first = unit.since == never;
  const Duration before_it = first ? from_seconds(seconds(each) * held_) : Duration{0};
  const Duration left = first ? config_.longest : config_.longest - (now - unit.since);
  const bool near = until_room <= config_.longest && before_it <= config_.longest - until_room;
  if (left <= Duration{0} || !near || (first && held_ >= config_.most)) return leave(unit);
  if (first) {
    unit.since = now;
    ++held_;
  }
  unit.wait = std::min(left, std::max(until_room, config_.longest / looks));
}

void BriefHold::leave(HeldUnit& unit) {
  if (unit.since != never) --held_;
  unit = {};
}

}  // namespace weir::flow
