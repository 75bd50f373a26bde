#pragma once
/// The waiting items, one lane for each priority: FIFO inside a lane or, when asked for, newest first; strict priority
/// between lanes; and ageing, so that a low priority does not starve (semantics D6, D7).
///
///   next = the front of the highest waiting priority, or its newest item; or, at most once in any 10 dequeues, the
///          front that has waited longest, if that is longer than age_boost
///
/// Age decides only what is served next, never what is shed; nothing is shed here.
///
/// When to choose it: some work matters more than other work that waits in the same place. Where all matters alike one
/// priority is simpler and strictly in order.
///
/// Thread: one owner. Cost: O(priorities); taking from the middle of a lane is O(its items).
#include <weir/base/units.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <deque>
#include <optional>

namespace weir::flow {

/// A group of events of one priority that can be cut. `weir::Batch` is one.
template <typename T>
concept Waiting = std::movable<T> && requires(T t, const T c, std::uint32_t n, Load room) {
  { c.load() } -> std::convertible_to<Load>;
  { c.priority() } -> std::convertible_to<Priority>;
  { c.since() } -> std::convertible_to<TimePoint>;
  { c.prefix(room) } -> std::convertible_to<std::uint32_t>;  // how many events from the front fit
  { t.split(n) } -> std::same_as<T>;                         // takes the first n out
};

/// A set of priorities, lowest bit lowest priority.
using PriorityMask = std::uint8_t;
constexpr PriorityMask mask_of(Priority priority) {
  return static_cast<PriorityMask>(1u << static_cast<unsigned>(priority));
}
constexpr PriorityMask mask_up_to(Priority priority) {
  return static_cast<PriorityMask>((2u << static_cast<unsigned>(priority)) - 1);
}
inline constexpr PriorityMask every_priority = mask_up_to(Priority::critical);

inline constexpr std::array all_priorities{Priority::batch, Priority::low, Priority::normal, Priority::high,
                                           Priority::critical};

/// Where an item stands: the k-th from the front of its lane.
struct LanePosition {
  Priority priority;
  std::size_t k;
  bool operator==(const LanePosition&) const = default;
};

template <Waiting T>
class Lanes {
 public:
  bool empty() const { return items() == 0; }
  std::size_t items(Priority priority) const { return lane(priority).size(); }
  std::size_t items(PriorityMask of = every_priority) const {
    std::size_t sum = 0;
    for (const Priority priority : all_priorities)
      if (of & mask_of(priority)) sum += items(priority);
    return sum;
  }
  T& front(Priority priority) { return lane(priority).front(); }
  const T& front(Priority priority) const { return lane(priority).front(); }
  T& at(LanePosition place) { return lane(place.priority)[place.k]; }
  void push(Priority priority, T item) { lane(priority).push_back(std::move(item)); }

  T take(LanePosition place) {
    auto& from = lane(place.priority);
    T item = std::move(from[place.k]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(place.k));
    return item;
  }

  /// The lane whose turn it is. Call `served` if an item of it was really taken.
  struct Turn {
    LanePosition place;
    bool by_age;  ///< its age made it pass others
  };
  std::optional<Turn> next(Duration age_boost, TimePoint now, bool newest_first = false) const {
    const auto top = highest();
    if (!top) return std::nullopt;
    const Turn by_priority{{*top, newest_first ? items(*top) - 1 : 0}, false};
    if (turns_ + 1 < boost_every) return by_priority;
    const Turn by_age{{*oldest(), 0}, true};
    const bool aged = now - front(by_age.place.priority).since() > age_boost;
    return aged && by_age.place != by_priority.place ? by_age : by_priority;
  }
  void served(const Turn& turn) { turns_ = turn.by_age ? 0 : std::min(turns_ + 1, boost_every); }

  std::optional<Priority> highest() const {
    for (int c = priority_count - 1; c >= 0; --c)
      if (items(static_cast<Priority>(c)) > 0) return static_cast<Priority>(c);
    return std::nullopt;
  }
  std::optional<Priority> lowest(PriorityMask of) const {
    for (const Priority priority : all_priorities)
      if ((of & mask_of(priority)) && items(priority) > 0) return priority;
    return std::nullopt;
  }
  /// The priority whose front has waited longest; of equals the highest.
  std::optional<Priority> oldest(PriorityMask of = every_priority) const {
    std::optional<Priority> found;
    for (const Priority priority : all_priorities) {
      if (!(of & mask_of(priority)) || items(priority) == 0) continue;
      if (!found || front(priority).since() <= front(*found).since()) found = priority;
    }
    return found;
  }

 private:
  static constexpr int boost_every = 10;
  std::deque<T>& lane(Priority priority) { return lanes_[static_cast<std::size_t>(priority)]; }
  const std::deque<T>& lane(Priority priority) const { return lanes_[static_cast<std::size_t>(priority)]; }

  std::array<std::deque<T>, priority_count> lanes_;
  int turns_ = 0;  // dequeues since the last one by age
};

}  // namespace weir::flow
