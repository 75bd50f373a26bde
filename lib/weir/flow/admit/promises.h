#pragma once
/// The calendar of promises: how many refused requests were told to come back when (semantics F2). To tell all clients
/// the same second would only move the overload there, so a time that was told is a place that is taken.
///
/// Retry-After counts whole seconds, so a client comes back at the same phase of a later second. The calendar keeps
/// those phases apart, 15 places a second: a queue that holds half a second of work must not get the returns of a whole
/// second at once. Readers put 1, 3 or 5 places together, as large as their queue can take.
///
/// Thread: one owner. Cost: O(1); 2 bytes a place, bounded by the horizon given (and a few seconds of the past).
#include <weir/base/units.h>

#include <vector>

namespace weir::flow {

class Promises {
 public:
  using Slot = std::int64_t;  ///< counts places since the start of time
  static constexpr Slot slots_per_second = 15;
  static constexpr Slot memory = 64;  ///< how many places of the past are kept

  explicit Promises(Duration horizon);

  static Slot slot(TimePoint t);
  /// Forgets the past. To be called first, with the time of each call.
  void advance(TimePoint now);
  /// Told to come back in this place; 0 outside of the calendar.
  std::uint32_t count(Slot p) const { return inside(p) ? ring_[index(p)] : 0; }
  /// In `n` places from p on.
  std::uint32_t count(Slot p, Slot n) const;
  /// The latest place ever told.
  Slot last() const { return last_; }
  /// One more for this place. False when it lies outside of the calendar or can count no further.
  bool add(Slot p);

 private:
  bool inside(Slot p) const { return p >= first_ && p - first_ < static_cast<Slot>(ring_.size()); }
  std::size_t index(Slot p) const { return static_cast<std::size_t>(p) & (ring_.size() - 1); }

  std::vector<std::uint16_t> ring_;  // its size is a power of two
  Slot first_ = 0;                   // the oldest place kept
  Slot last_ = 0;
};

}  // namespace weir::flow
