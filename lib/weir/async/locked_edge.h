#pragma once
/// A flow::Edge that several threads share: its lock, whether it is closed, and a pause mask that is read without the
/// lock. It is what Channel, ThreadPool and the pipeline's sink queue have in common; who sleeps and how sleepers are
/// woken is theirs, because a coroutine, a worker thread and a reactor wait in different ways.
///
/// It is a Lockable, so `std::lock_guard lock(edge)` works. A thread that needs several at once (a fan-out that must
/// give each the same prefix, semantics A6) locks them in one agreed order. The calls below are in two groups:
///
///   with the lock held     push, pop, pop_all, drain, served, reconfigure, close, and every look inside
///   without                paused, pause_mask, sheds: one atomic load
///
/// Dropped items are appended to `out`, not ended: the owner gives each its fate after the lock is released, so that no
/// callback runs under it.
///
///   closed     room_for and spare_room are 0; push ends the whole item as `shutdown` and counts it as offered; what
///              waits can still be popped
///   paused     per priority, as flow::Edge::paused; never where full means drop (nobody is asked to wait there), nor
///              while `read_on` is set (somebody takes whatever comes, at once)
///
/// The mask is updated by every call that may change it but `served`: a bound that grew shows with the next push or
/// pop, which is also what wakes those who wait for it.
///
/// Thread: as said. Cost: the edge's own and one uncontended lock; the mask is two comparisons, and a store when it
/// changes. On cancel: must be drained before it dies, as an Edge. Ref: semantics D1 to D8.
#include <weir/flow/queue/edge.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace weir::async {

template <flow::Waiting T>
class LockedEdge {
 public:
  LockedEdge(const flow::EdgeConfig& config, std::uint64_t seed, std::uint64_t floor_events = 1)
      : edge_(config, seed, floor_events), sheds_(flow::may_drop(config.when_full)) {}
  LockedEdge(const LockedEdge&) = delete;
  LockedEdge& operator=(const LockedEdge&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  bool try_lock() { return mutex_.try_lock(); }
  /// For a condition variable or a WaitList.
  std::mutex& mutex() { return mutex_; }

  // ---- with the lock held ----

  const flow::Edge<T>& edge() const { return edge_; }
  bool closed() const { return closed_; }
  bool empty() const { return edge_.waiting().empty(); }
  template <typename U>
  std::uint32_t room_for(const U& item) const {
    return closed_ ? 0 : edge_.room_for(item);
  }
  Load spare_room(Priority priority) const { return closed_ ? Load{} : edge_.spare_room(priority); }
  /// Takes the prefix that fits; returns the rest.
  T push(T item, TimePoint now, flow::DroppedItems<T>& out);
  bool pop(Load most, TimePoint now, T& item, flow::DroppedItems<T>& out);
  /// Gives `take` item after item until `most` is used up (one event may go beyond its bytes) or nothing waits.
  template <typename Take>
  void pop_all(Load most, TimePoint now, Take&& take, flow::DroppedItems<T>& out);
  /// Hands out everything that waits, highest priority first.
  template <typename Take>
  void drain(Take&& take);
  void served(std::uint64_t events, Duration busy) { edge_.served(events, busy); }
  void reconfigure(const flow::EdgeConfig& config) { reconfigure(config, edge_.floor_events()); }
  void reconfigure(const flow::EdgeConfig& config, std::uint64_t floor_events);
  /// False: it was so already.
  bool read_on(bool on);
  void close() { closed_ = true; }
  /// Those of the edge, and what was offered after `close`.
  flow::EdgeStats stats() const;

  // ---- without the lock ----

  bool paused(Priority priority) const { return pause_mask() & flow::mask_of(priority); }
  flow::PriorityMask pause_mask() const { return mask_.load(std::memory_order_seq_cst); }
  /// Full means drop.
  bool sheds() const { return sheds_.load(std::memory_order_relaxed); }

 private:
  void publish();

  mutable std::mutex mutex_;
  flow::Edge<T> edge_;
  std::atomic<flow::PriorityMask> mask_{0};
  std::atomic<bool> sheds_;
  bool read_on_ = false, closed_ = false;
  Load late_;  // offered after close
};

template <flow::Waiting T>
T LockedEdge<T>::push(T item, TimePoint now, flow::DroppedItems<T>& out) {
  if (closed_) {
    late_ += item.load();
    out.push_back({std::move(item), Reason::shutdown});
    return T{};
  }
  T rest = edge_.push(std::move(item), now, out);
  publish();
  return rest;
}

template <flow::Waiting T>
bool LockedEdge<T>::pop(Load most, TimePoint now, T& item, flow::DroppedItems<T>& out) {
  const bool any = edge_.pop(most, now, item, out);
  publish();
  return any;
}

template <flow::Waiting T>
template <typename Take>
void LockedEdge<T>::pop_all(Load most, TimePoint now, Take&& take, flow::DroppedItems<T>& out) {
  T item{};
  while (most.events > 0 && most.bytes > Bytes{} && edge_.pop(most, now, item, out)) {
    const Load load = item.load();
    most.events -= std::min(most.events, load.events);
    most.bytes -= std::min(most.bytes, load.bytes);
    take(std::move(item));
  }
  publish();
}

template <flow::Waiting T>
template <typename Take>
void LockedEdge<T>::drain(Take&& take) {
  edge_.drain(take);
  publish();
}

template <flow::Waiting T>
void LockedEdge<T>::reconfigure(const flow::EdgeConfig& config, std::uint64_t floor_events) {
  edge_.reconfigure(config, floor_events);
  sheds_.store(flow::may_drop(config.when_full), std::memory_order_relaxed);
  publish();
}

template <flow::Waiting T>
bool LockedEdge<T>::read_on(bool on) {
  if (std::exchange(read_on_, on) == on) return false;
  publish();
  return true;
}

template <flow::Waiting T>
flow::EdgeStats LockedEdge<T>::stats() const {
  flow::EdgeStats stats = edge_.stats();
  stats.offered += late_;
  stats.dropped[static_cast<std::size_t>(Reason::shutdown)] += late_.events;
  return stats;
}

template <flow::Waiting T>
void LockedEdge<T>::publish() {
  // Only two groups differ: those that may enter the reserved part, and the others.
  constexpr flow::PriorityMask others = flow::mask_up_to(Priority::normal);
  constexpr flow::PriorityMask high = flow::every_priority & ~others;
  flow::PriorityMask mask = 0;
  if (!sheds() && !read_on_) {
    if (edge_.paused(Priority::high)) mask |= high;
    if (edge_.paused(Priority::normal)) mask |= others;
  }
  if (mask != mask_.load(std::memory_order_relaxed)) mask_.store(mask, std::memory_order_seq_cst);
}

}  // namespace weir::async
