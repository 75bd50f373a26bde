#pragma once
/// What holds a sink up, as one reason. A client that is refused, the metrics and `weir why` are told the same one,
/// because all of them ask here.
///
/// The first of these that is the case, from what must be over before anything can be sent to what may end by itself:
///   breaker_open         the breaker leaves the destination alone, or has only begun to try it again
///   dead_letters_full    what was refused for good finds no room in the queue of the dead letters
///   blocked_by           nothing is sent for so long: a hold, the wait before the next try, no retry left
///   failing_by           the last attempt failed, and the next one is under way
///   destination_stalled  all its workers wait for an answer, for far longer than usual
///   disk_full            its queue could spill, and the disk for that is full
/// None of them: nothing holds it up, however full its queue is. Then it is slow, or too much comes.
///
/// Thread: a value. Cost: a few comparisons.
#include <weir/base/reason.h>
#include <weir/base/units.h>

#include <optional>

namespace weir::pipeline {

struct HoldUp {
  bool breaker_open = false;
  bool letters_wait = false;
  Duration blocked_for{0};
  Reason blocked_by = Reason::destination_hold;
  bool failing = false;  ///< from a failed attempt until the next success
  Reason failing_by = Reason::destination_failing;
  Duration stalled_for{0};
  bool cannot_spill = false;  ///< because the disk is full

  std::optional<Reason> cause() const {
    if (breaker_open) return Reason::breaker_open;
    if (letters_wait) return Reason::dead_letters_full;
    if (blocked_for > Duration{0}) return blocked_by;
    if (failing) return failing_by;
    if (stalled_for > Duration{0}) return Reason::destination_stalled;
    if (cannot_spill) return Reason::disk_full;
    return std::nullopt;
  }
};

}  // namespace weir::pipeline
