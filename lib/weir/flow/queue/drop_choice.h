#pragma once
/// Chooses what is dropped when an edge is full and its policy drops: the rules of semantics D6 in one place, apart
/// from the queue itself.
///
/// Whole batches are dropped. Critical work is dropped for critical work only, and work in the reserved part is not
/// dropped for work that may not enter that part: priority decides what is shed, age and chance choose among the rest.
///
/// Thread: values. Cost: O(priorities).
#include <weir/base/reason.h>
#include <weir/base/rng.h>
#include <weir/flow/queue/edge_config.h>
#include <weir/flow/queue/lanes.h>

#include <vector>

namespace weir::flow {

/// The reason of items that this policy drops; of reject: the reason of refusals at the door. None for other policies.
std::optional<Reason> reason_for(WhenFull policy);

/// The priorities of which this policy may drop items in favour of an arrival.
PriorityMask droppable_for(Priority arrival, const EdgeConfig& config);

template <Waiting T>
struct DroppedItem {
  T item;
  Reason reason;
};
template <Waiting T>
using DroppedItems = std::vector<DroppedItem<T>>;

/// The next item to drop among these priorities. None: there is no item, or the draw picked the arrival.
template <Waiting T>
std::optional<LanePosition> pick_to_drop(const Lanes<T>& lanes, PriorityMask among, WhenFull policy, Rng& rng) {
  if (policy == WhenFull::drop_random) {
    std::size_t k = rng.below(lanes.items(among) + 1);
    for (const Priority priority : all_priorities) {
      if (!(among & mask_of(priority))) continue;
      if (k < lanes.items(priority)) return LanePosition{priority, k};
      k -= lanes.items(priority);
    }
    return std::nullopt;
  }
  const auto priority = policy == WhenFull::drop_oldest ? lanes.oldest(among) : lanes.lowest(among);
  return priority ? std::optional(LanePosition{*priority, 0}) : std::nullopt;
}

}  // namespace weir::flow
