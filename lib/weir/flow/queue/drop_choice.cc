#include <weir/flow/queue/drop_choice.h>

namespace weir::flow {

std::optional<Reason> reason_for(WhenFull policy) {
  switch (policy) {
    case WhenFull::reject: return Reason::flow_full;
    case WhenFull::drop_newest: return Reason::drop_newest;
    case WhenFull::drop_oldest: return Reason::drop_oldest;
    case WhenFull::drop_lowest: return Reason::drop_lowest;
    case WhenFull::drop_random: return Reason::drop_random;
    case WhenFull::block:
    case WhenFull::spill: break;
  }
  return std::nullopt;
}

PriorityMask droppable_for(Priority arrival, const EdgeConfig& config) {
  switch (config.when_full) {
    case WhenFull::drop_lowest: return mask_up_to(arrival);
    case WhenFull::drop_oldest:
    case WhenFull::drop_random:
      return mask_up_to(std::max(arrival, config.reserved_for_high > 0 ? Priority::normal : Priority::high));
    default: return 0;
  }
}

}  // namespace weir::flow
