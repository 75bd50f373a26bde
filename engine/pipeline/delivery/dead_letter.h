#pragma once
/// The form of a dead letter: one JSON object that says which event was given up, by whom and why, so that it can be
/// looked at, counted by reason and sent again.
///
///   {"reason":"sink_rejected","why":"...","origin":"db","place":"orders/3","position":1041,"attempts":2,"at_ms":...,
///    "event":"..."}
///
/// `place` and `position` only when the source says where it read the event; an event that is no UTF-8 text stands as
/// `event_hex`. All who write dead letters use this form: workers, sources, and queues and stages that shed.
///
/// Thread: a pure function. Cost: about 1 us and a copy of the event.
#include <weir/component/batch.h>

#include <optional>
#include <string>
#include <string_view>

namespace weir::pipeline {

struct Letter {
  std::string_view event;
  Reason reason;
  std::string_view why, origin;  ///< in words; the node that gave it up
  int attempts;
  WallTime at;
  std::optional<EventPosition> place{};  ///< where it was read
};
std::string dead_letter_json(const Letter& letter);

}  // namespace weir::pipeline
