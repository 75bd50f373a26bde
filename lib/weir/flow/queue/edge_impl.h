#pragma once
/// The implementation of edge.h, in a file of its own so that the interface fits on a page.
///
/// Thread: as Edge. Cost: as Edge.
#include <weir/flow/queue/edge.h>

namespace weir::flow {

template <Waiting T>
Edge<T>::Edge(const EdgeConfig& config, std::uint64_t seed, std::uint64_t floor_events)
    : book_(config, floor_events), rng_(seed) {
  reconfigure(config, floor_events);
}

template <Waiting T>
void Edge<T>::reconfigure(const EdgeConfig& config, std::uint64_t floor_events) {
  book_.reconfigure(config, floor_events);
  for (Codel& codel : codel_) codel.reconfigure(config.codel.value_or(CodelConfig{}));
}

template <Waiting T>
std::uint32_t Edge<T>::fitting(const auto& item, Load beside) const {
  const std::uint32_t n = item.prefix(book_.room_beside(item.priority(), beside));
  return n == 0 && beside.empty() ? 1 : n;
}

template <Waiting T>
template <typename U>
std::uint32_t Edge<T>::room_for(const U& item) const {
  if (item.load().empty()) return 0;
  return may_drop(book_.config().when_full) ? size(item) : fitting(item, book_.waiting());
}

template <Waiting T>
T Edge<T>::push(T item, TimePoint now, DroppedItems<T>& out) {
  if (item.load().empty()) return item;
  const bool drops = may_drop(book_.config().when_full);
  std::uint32_t fits = fitting(item, book_.waiting());
  if (drops && fits < size(item)) {
    item = make_room(std::move(item), now, out);
    if (item.load().empty()) return item;
    fits = fitting(item, book_.waiting());
  }
  enter(item.split(fits), now);
  if (item.load().empty()) return item;
  if (drops)
    end_arrival(item.split(size(item)), out);
  else
    book_.turned_away();
  return item;
}

/// Drops the part of the arrival that could never fit, then drops waiting items until the remainder fits.
template <Waiting T>
T Edge<T>::make_room(T item, TimePoint now, DroppedItems<T>& out) {
  const WhenFull policy = book_.config().when_full;
  const PriorityMask among = droppable_for(item.priority(), book_.config());
  Load staying = book_.waiting();
  for (const Priority priority : all_priorities)
    if (among & mask_of(priority)) staying -= book_.waiting(priority);
  T kept = item.split(fitting(item, staying));
  end_arrival(std::move(item), out);
  while (!kept.load().empty() && fitting(kept, book_.waiting()) < size(kept)) {
    const auto to_drop = pick_to_drop(lanes_, among, policy, rng_);
    if (!to_drop) break;
    end_waiting(*to_drop, *reason_for(policy), now, out);
  }
  return kept;
}

template <Waiting T>
bool Edge<T>::pop(Load most, TimePoint now, T& item, DroppedItems<T>& out) {
  if (most.empty()) return false;
  expire(now, out);
  const bool adaptive = book_.config().order == Order::adaptive_lifo;
  while (const auto turn = lanes_.next(book_.config().age_boost, now, adaptive && book_.paused())) {
    const Priority priority = turn->place.priority;
    if (picked_by_codel(priority, now - lanes_.front(priority).since(), now)) {
      end_waiting({priority, 0}, Reason::codel, now, out);
      continue;
    }
    lanes_.served(*turn);
    T& from = lanes_.at(turn->place);
    item = from.split(std::max<std::uint32_t>(1, from.prefix(most)));
    if (from.load().empty()) lanes_.take(turn->place);
    book_.delivered(priority, item.load(), now);
    return true;
  }
  return false;
}

template <Waiting T>
bool Edge<T>::full(Priority priority) const {
  const Load room = book_.room_beside(priority, book_.waiting());
  return !lanes_.empty() && (room.events == 0 || room.bytes == Bytes{});
}

template <Waiting T>
Pressure Edge<T>::pressure(TimePoint now) const {
  const auto oldest = lanes_.oldest();
  return book_.pressure(oldest ? std::max(Duration{0}, now - lanes_.front(*oldest).since()) : Duration{0}, now);
}

template <Waiting T>
template <typename F>
void Edge<T>::drain(F&& take) {
  while (const auto priority = lanes_.highest()) {
    book_.drained(*priority, lanes_.front(*priority).load());
    take(lanes_.take({*priority, 0}));
  }
}

template <Waiting T>
void Edge<T>::enter(T item, TimePoint now) {
  if (item.load().empty()) return;
  const Priority priority = item.priority();
  book_.entered(priority, item.load(), now);
  lanes_.push(priority, std::move(item));
}

template <Waiting T>
void Edge<T>::end_arrival(T item, DroppedItems<T>& out) {
  if (item.load().empty()) return;
  const Reason reason = *reason_for(book_.config().when_full);
  book_.dropped_arriving(item.load(), reason);
  out.push_back({std::move(item), reason});
}

template <Waiting T>
void Edge<T>::end_waiting(LanePosition place, Reason reason, TimePoint now, DroppedItems<T>& out) {
  T item = lanes_.take(place);
  book_.dropped_waiting(place.priority, item.load(), reason, now);
  out.push_back({std::move(item), reason});
}

template <Waiting T>
void Edge<T>::expire(TimePoint now, DroppedItems<T>& out) {
  const auto limit = book_.config().expire_after;
  if (!limit) return;
  for (const Priority priority : all_priorities)
    while (lanes_.items(priority) > 0 && now - lanes_.front(priority).since() > *limit)
      end_waiting({priority, 0}, Reason::expired, now, out);
}

template <Waiting T>
bool Edge<T>::picked_by_codel(Priority priority, Duration waited, TimePoint now) {
  if (!book_.config().codel || priority == Priority::critical) return false;
  return codel_[static_cast<std::size_t>(priority)].should_drop(waited, lanes_.items(priority) <= 2, now);
}

}  // namespace weir::flow
