#pragma once
/// The only place where work waits: bounded in events and bytes, with one named answer to being full.
///
/// The bound holds exactly: push takes the prefix that fits and returns the rest (semantics D3). There is one
/// exception, so that nothing waits for ever: an event larger than the byte bound enters an empty edge alone, and is
/// counted in `EdgeStats::oversized`. With a part reserved for high priorities the same holds for the part that is not
/// reserved.
///
///   when_full             what happens to an arrival that does not fit
///   block, reject, spill  the rest is returned; the edge is paused until its low watermark, whatever its fill
///   drop_newest           the rest of the arrival is dropped
///   drop_oldest           batches that waited longest are dropped to make room
///   drop_lowest           batches of the lowest priority are dropped, oldest first, up to the arrival's own priority
///   drop_random           a batch drawn at random among those that wait and the arrival is dropped
///
/// What is dropped are whole batches (semantics D6): only as many as the arrival needs, and none for an arrival that
/// cannot fit anyway. Critical work is dropped for critical work only, and work in the reserved part is not dropped for
/// an arrival that may not enter that part. CoDel never picks critical work. `expire_after` says how long work is worth
/// doing, and holds for every priority.
///
/// Dequeue: expired work goes to `out`; the priority lanes (lanes.h) say which lane is served; of that lane
///   fifo             the oldest item
///   adaptive_lifo    the newest item from the pause watermark until the resume watermark, else the oldest: under
///                    overload the sender of the oldest item has most likely given up, and serving it would make all
///                    others late too. Breaks order (semantics D7). Ageing still serves the oldest.
/// then what CoDel picks goes to `out`. CoDel judges the oldest item of the lane in either order, since the newest one,
/// which has not waited, says nothing about the work behind it. The item is cut to `most`. The edge does not end the
/// dropped items: the caller owes each its fate (semantics D8).
///
/// When to choose it: wherever one part hands work to another that may be slower. block where the sender can be held
/// up, reject where it can be told no, a drop policy only where losing work is better than having it late, spill where
/// the disk is cheaper. adaptive_lifo where senders wait for each item and give up; not where order or every item
/// matters.
///
/// Thread: one owner (the pipeline holds a mutex). Cost: push + pop of a batch about 100 ns; drop_random removes from
/// the middle, O(items of the lane). On cancel: an edge must be drained before it is destroyed.
/// Ref: semantics D1 to D8; RFC 8289 for CoDel; B. Maurer, Fail at Scale, ACM Queue 13(8), 2015 for adaptive LIFO.
#include <weir/flow/queue/codel.h>
#include <weir/flow/queue/drop_choice.h>
#include <weir/flow/queue/edge_book.h>

namespace weir::flow {

template <Waiting T>
class Edge {
 public:
  /// `floor_events`: what max_wait never sizes the bound below (workers x one batch).
  Edge(const EdgeConfig& config, std::uint64_t seed, std::uint64_t floor_events = 1);

  /// How many events of its front push would take now. Where full means drop: all, since nothing is ever returned.
  /// `item` may be anything that has the loads of what will be pushed.
  template <typename U>
  std::uint32_t room_for(const U& item) const;
  /// Takes the prefix that fits; returns the rest (empty when all was taken, or ended in `out`).
  T push(T item, TimePoint now, DroppedItems<T>& out);
  /// The next item by priority and age, cut to `most` (an event larger than most.bytes comes alone). False: none.
  bool pop(Load most, TimePoint now, T& item, DroppedItems<T>& out);
  /// Room for work that is secondary in this edge (copies of dropped items): none while the edge is paused, and never
  /// so much that primary work would be dropped or held up for it.
  Load spare_room(Priority priority) const { return paused() ? Load{} : book_.room_beside(priority, book_.waiting()); }
  /// Completions, for the service rate. `busy`: time in which at least one worker was busy; overlapping workers count
  /// once (BusyTime).
  void served(std::uint64_t events, Duration busy) { book_.served(events, busy); }

  bool paused() const { return book_.paused(); }
  /// For this priority: high priorities with a reserved part pause only at the bound; others by the watermarks, or when
  /// their part is full.
  bool paused(Priority priority) const {
    return full(priority) || (!book_.has_reserved_part(priority) && book_.paused());
  }
  /// An arrival of one event of this priority could not enter now without a dropped item.
  bool full(Priority priority) const;
  Pressure pressure(TimePoint now) const;
  EdgeStats stats() const { return book_.stats(); }
  Load waiting() const { return book_.waiting(); }
  std::uint64_t bound_events() const { return book_.bound_events(); }  ///< effective, after max_wait
  std::uint64_t floor_events() const { return book_.floor_events(); }  ///< below which no time bound goes

  /// Values change in place. What waits stays; under a smaller bound the edge is full until it has drained.
  void reconfigure(const EdgeConfig& config) { reconfigure(config, book_.floor_events()); }
  void reconfigure(const EdgeConfig& config, std::uint64_t floor_events);
  /// Hands out everything that waits, highest priority first.
  template <typename F>
  void drain(F&& take);

 private:
  static std::uint32_t size(const auto& item) { return static_cast<std::uint32_t>(item.load().events); }
  std::uint32_t fitting(const auto& item, Load beside) const;
  void enter(T item, TimePoint now);
  void end_arrival(T item, DroppedItems<T>& out);
  void end_waiting(LanePosition place, Reason reason, TimePoint now, DroppedItems<T>& out);
  T make_room(T item, TimePoint now, DroppedItems<T>& out);
  void expire(TimePoint now, DroppedItems<T>& out);
  bool picked_by_codel(Priority priority, Duration waited, TimePoint now);

  EdgeBook book_;
  Lanes<T> lanes_;
  std::array<Codel, priority_count>
      codel_;  // a lane is a queue of its own: a low delay in one says nothing about another
  Rng rng_;
};

}  // namespace weir::flow

#include <weir/flow/queue/edge_impl.h>
