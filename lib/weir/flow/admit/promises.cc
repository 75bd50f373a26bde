#include <weir/flow/admit/promises.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace weir::flow {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::size_t places(Duration horizon) {
  const auto ahead = std::max<std::int64_t>(0, horizon.count() / second + 1) * Promises::places_per_second;
  return std::bit_ceil(static_cast<std::size_t>(Promises::memory + ahead));
}

}  // namespace

Promises::Promises(Duration horizon) : ring_(places(horizon)) {}

Promises::Place Promises::place(TimePoint t) {
  // Seconds and phase apart: a place is no whole number of nanoseconds, and sums of rounded ones would drift.
  const auto ns = t.time_since_epoch().count();
  return ns / second * places_per_second + ns % second * places_per_second / second;
}

void Promises::advance(TimePoint now) {
  const Place first = std::max(place(now) - memory, first_);
  const Place behind = std::min(first - first_, static_cast<Place>(ring_.size()));
  for (Place i = 0; i < behind; ++i) ring_[index(first_ + i)] = 0;
  first_ = first;
}

std::uint32_t Promises::count(Place p, Place n) const {
  std::uint32_t sum = 0;
  for (Place i = 0; i < n; ++i) sum += count(p + i);
  return sum;
}

bool Promises::add(Place p) {
  if (!inside(p) || ring_[index(p)] == std::numeric_limits<std::uint16_t>::max()) return false;
  ++ring_[index(p)];
  last_ = std::max(last_, p);
  return true;
}

}  // namespace weir::flow
