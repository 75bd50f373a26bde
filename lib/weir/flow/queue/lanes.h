#pragma once
/// What waits, one lane for each class: FIFO inside a class or, when asked for, newest first; strict priority between
/// classes; and ageing so that strict does not mean never (semantics D6, D7).
///
///   next = the front of the highest waiting class, or its newest; or, at most once in any 10 dequeues, the front that
///          has waited longest, if that is longer than age_boost
///
/// Age decides only who is served next. It never decides who is shed, and nothing here sheds.
///
/// When to choose it: some work matters more than other work that waits in the same place. Where all matters alike one
/// class is simpler and strictly in order.
///
/// Thread: one owner. Cost: O(classes); taking from the middle of a lane is O(its items).
#include <weir/base/units.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <deque>
#include <optional>

namespace weir::flow {

/// A group of events of one class that can be cut. `weir::Batch` is one.
template <typename T>
concept Waiting = std::movable<T> && requires(T t, const T c, std::uint32_t n, Load room) {
  { c.load() } -> std::convertible_to<Load>;
  { c.cls() } -> std::convertible_to<Class>;
  { c.since() } -> std::convertible_to<TimePoint>;
  { c.prefix(room) } -> std::convertible_to<std::uint32_t>;  // how many events from the front fit
  { t.split(n) } -> std::same_as<T>;                         // takes the first n out
};

/// A set of classes, lowest bit lowest class.
using ClassMask = std::uint8_t;
constexpr ClassMask mask_of(Class cls) { return static_cast<ClassMask>(1u << static_cast<unsigned>(cls)); }
constexpr ClassMask mask_up_to(Class cls) { return static_cast<ClassMask>((2u << static_cast<unsigned>(cls)) - 1); }
inline constexpr ClassMask every_class = mask_up_to(Class::critical);

inline constexpr std::array all_classes{Class::batch, Class::low, Class::normal, Class::high, Class::critical};

/// Where an item stands: the k-th from the front of its lane.
struct Place {
  Class cls;
  std::size_t k;
  bool operator==(const Place&) const = default;
};

template <Waiting T>
class Lanes {
 public:
  bool empty() const { return items() == 0; }
  std::size_t items(Class cls) const { return lane(cls).size(); }
  std::size_t items(ClassMask of = every_class) const {
    std::size_t sum = 0;
    for (const Class cls : all_classes)
      if (of & mask_of(cls)) sum += items(cls);
    return sum;
  }
  T& front(Class cls) { return lane(cls).front(); }
  const T& front(Class cls) const { return lane(cls).front(); }
  T& at(Place place) { return lane(place.cls)[place.k]; }
  void push(Class cls, T item) { lane(cls).push_back(std::move(item)); }

  T take(Place place) {
    auto& from = lane(place.cls);
    T item = std::move(from[place.k]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(place.k));
    return item;
  }

  /// Whose turn it is. Ask, then tell `served` if an item of it really left.
  struct Turn {
    Place place;
    bool by_age;  ///< its age made it pass others
  };
  std::optional<Turn> next(Duration age_boost, TimePoint now, bool newest_first = false) const {
    const auto top = highest();
    if (!top) return std::nullopt;
    const Turn by_class{{*top, newest_first ? items(*top) - 1 : 0}, false};
    if (turns_ + 1 < boost_every) return by_class;
    const Turn by_age{{*oldest(), 0}, true};
    const bool aged = now - front(by_age.place.cls).since() > age_boost;
    return aged && by_age.place != by_class.place ? by_age : by_class;
  }
  void served(const Turn& turn) { turns_ = turn.by_age ? 0 : std::min(turns_ + 1, boost_every); }

  std::optional<Class> highest() const {
    for (int c = class_count - 1; c >= 0; --c)
      if (items(static_cast<Class>(c)) > 0) return static_cast<Class>(c);
    return std::nullopt;
  }
  std::optional<Class> lowest(ClassMask of) const {
    for (const Class cls : all_classes)
      if ((of & mask_of(cls)) && items(cls) > 0) return cls;
    return std::nullopt;
  }
  /// The class whose front has waited longest; of equals the highest.
  std::optional<Class> oldest(ClassMask of = every_class) const {
    std::optional<Class> found;
    for (const Class cls : all_classes) {
      if (!(of & mask_of(cls)) || items(cls) == 0) continue;
      if (!found || front(cls).since() <= front(*found).since()) found = cls;
    }
    return found;
  }

 private:
  static constexpr int boost_every = 10;
  std::deque<T>& lane(Class cls) { return lanes_[static_cast<std::size_t>(cls)]; }
  const std::deque<T>& lane(Class cls) const { return lanes_[static_cast<std::size_t>(cls)]; }

  std::array<std::deque<T>, class_count> lanes_;
  int turns_ = 0;  // dequeues since the last one by age
};

}  // namespace weir::flow
