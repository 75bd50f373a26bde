#pragma once
/// The queue of the reference model: semantics D written as simply as possible, event by event, without regard to
/// speed. It shares only the configuration with flow::Edge.
///
/// Not modelled: CoDel and bounds sized by time (they have tests of their own). The draw of drop_random is a parameter,
/// so that both sides of a comparison get the same random numbers.
///
/// Thread: one. Cost: tests only.
#include <array>
#include <deque>
#include <functional>
#include <map>

#include "pipeline/model/graph.h"

namespace weir::model {

/// An item that ended in the line instead of leaving it, and why.
struct Ended {
  Item item;
  Reason reason;
};

class Queue {
 public:
  /// A number in [0, n).
  using Draw = std::function<std::uint64_t(std::uint64_t n)>;
  Queue(const flow::EdgeConfig& config, Draw draw) : config_(config), draw_(std::move(draw)) {}

  /// How many from the front may be pushed now. A line that drops can be pushed anything.
  std::uint64_t room_for(const Item& item) const;
  /// At most room_for(item) events.
  void push(Item item, std::vector<Ended>& ended);
  /// How many copies of dropped events may be pushed: none above the watermarks, and none for which something else
  /// would be dropped.
  std::uint64_t spare_room_for(const Item& item) const { return paused_ ? 0 : fitting(item, waiting()); }
  std::optional<Item> pop(Load most, TimePoint now, std::vector<Ended>& ended);
  std::vector<Item> drain();

  bool above_watermarks() const { return paused_; }
  /// Must sources leave events of this priority unread? Never where full means drop.
  bool paused(Priority priority) const;
  Load waiting() const;
  bool empty() const { return waiting().events == 0; }
  Duration oldest_age(TimePoint now) const;
  const std::deque<Item>& lane(Priority priority) const { return lanes_[static_cast<std::size_t>(priority)]; }

  Load offered, delivered, drained;
  std::map<Reason, std::uint64_t> dropped;
  std::uint64_t pauses = 0, resumes = 0;

 private:
  std::deque<Item>& lane(Priority priority) { return lanes_[static_cast<std::size_t>(priority)]; }
  Load limit(Priority priority) const;
  std::uint64_t fitting(const Item& item, Load beside) const;
  std::vector<Priority> may_make_room_for(Priority arrival) const;
  void make_room(Item& item, std::vector<Ended>& ended);
  bool end_one_of(const std::vector<Priority>& among, std::vector<Ended>& ended);
  std::optional<Priority> longest_waiting(const std::vector<Priority>& among) const;
  void end(Item item, Reason reason, std::vector<Ended>& ended);
  void look_at_watermarks();

  flow::EdgeConfig config_;
  Draw draw_;
  std::array<std::deque<Item>, priority_count> lanes_;
  bool paused_ = false;
  int turns_since_age_ = 0;
};

}  // namespace weir::model
