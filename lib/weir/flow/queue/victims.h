#pragma once
/// Who makes room when an edge is full and its policy drops: the rules of D6 in one place, apart from the queue itself.
///
/// Victims are whole batches. Critical work makes room for critical only, and nothing that may use the reserved part
/// makes room for what may not: class decides who is shed, age and chance only choose among those.
///
/// Thread: values. Cost: O(classes).
#include <weir/base/reason.h>
#include <weir/base/rng.h>
#include <weir/flow/queue/edge_config.h>
#include <weir/flow/queue/lanes.h>

#include <vector>

namespace weir::flow {

/// Why a casualty of this policy ended; reject: why the door refuses. Nothing for policies that end nothing.
std::optional<Reason> reason_for(WhenFull policy);

/// Whom this policy may push out in favour of an arrival.
ClassMask victims_for(Class arrival, const EdgeConfig& config);

template <Waiting T>
struct Casualty {
  T item;
  Reason reason;
};
template <Waiting T>
using Casualties = std::vector<Casualty<T>>;

/// The next victim among these classes. Nothing: there is none, or chance picked the arrival.
template <Waiting T>
std::optional<Place> pick_victim(const Lanes<T>& lanes, ClassMask among, WhenFull policy, Rng& rng) {
  if (policy == WhenFull::drop_random) {
    std::size_t k = rng.below(lanes.items(among) + 1);
    for (const Class cls : all_classes) {
      if (!(among & mask_of(cls))) continue;
      if (k < lanes.items(cls)) return Place{cls, k};
      k -= lanes.items(cls);
    }
    return std::nullopt;
  }
  const auto cls = policy == WhenFull::drop_oldest ? lanes.oldest(among) : lanes.lowest(among);
  return cls ? std::optional(Place{*cls, 0}) : std::nullopt;
}

}  // namespace weir::flow
