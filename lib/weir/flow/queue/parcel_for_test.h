#pragma once
/// The smallest thing that can wait, for tests: numbered events, each with its own size.
///
/// Thread: a value. Cost: a copy of what is cut off.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <deque>

namespace weir::flow {

struct Parcel {
  struct Event {
    std::uint64_t id;
    std::uint64_t bytes;
  };
  std::deque<Event> events{};
  Priority of = Priority::normal;
  TimePoint born{};

  Load load() const {
    Load sum;
    for (const Event& e : events) sum += {1, Bytes(e.bytes)};
    return sum;
  }
  Priority priority() const { return of; }
  TimePoint since() const { return born; }
  std::uint32_t prefix(Load room) const {
    Load sum;
    std::uint32_t n = 0;
    for (const Event& e : events) {
      sum += {1, Bytes(e.bytes)};
      if (!sum.fits_in(room)) break;
      ++n;
    }
    return n;
  }
  Parcel split(std::uint32_t n) {
    WEIR_CHECK(n <= events.size());
    Parcel front{{events.begin(), events.begin() + n}, of, born};
    events.erase(events.begin(), events.begin() + n);
    return front;
  }
};

/// `n` events numbered from `first`, of `bytes` each.
inline Parcel parcel(std::uint64_t first, std::uint32_t n, Priority priority = Priority::normal,
                     TimePoint born = TimePoint{}, std::uint64_t bytes = 1) {
  Parcel p{{}, priority, born};
  for (std::uint32_t i = 0; i < n; ++i) p.events.push_back({first + i, bytes});
  return p;
}

}  // namespace weir::flow
