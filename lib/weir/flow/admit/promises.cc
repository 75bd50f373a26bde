#include <weir/base/checked.h>
#include <weir/flow/admit/promises.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace weir::flow {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::size_t slots(Duration horizon) {
  refuse(check_duration("horizon", horizon), "promises");
  const auto ahead = (horizon.count() / second + 1) * Promises::slots_per_second;
  return std::bit_ceil(static_cast<std::size_t>(Promises::memory + ahead));
}

}  // namespace

Promises::Promises(Duration horizon) : ring_(slots(horizon)) {}

Promises::Slot Promises::slot(TimePoint t) {
  // Seconds and phase apart: a place is not a whole number of nanoseconds, and sums of rounded places would drift.
  const auto ns = t.time_since_epoch().count();
  return ns / second * slots_per_second + ns % second * slots_per_second / second;
}

void Promises::advance(TimePoint now) {
  const Slot first = std::max(slot(now) - memory, first_);
  const Slot behind = std::min(first - first_, static_cast<Slot>(ring_.size()));
  for (Slot i = 0; i < behind; ++i) ring_[index(first_ + i)] = 0;
  first_ = first;
}

std::uint32_t Promises::count(Slot p, Slot n) const {
  std::uint32_t sum = 0;
  for (Slot i = 0; i < n; ++i) sum += count(p + i);
  return sum;
}

bool Promises::add(Slot p) {
  if (!inside(p) || ring_[index(p)] == std::numeric_limits<std::uint16_t>::max()) return false;
  ++ring_[index(p)];
  last_ = std::max(last_, p);
  return true;
}

}  // namespace weir::flow
