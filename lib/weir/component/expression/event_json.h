#pragma once
/// The index of the event at a stage: the one that all stages of a flow share, or the stage's own where it stands alone
/// (a test, a benchmark of one stage).
///
/// Thread: that of the stage. Cost: none; the event is indexed at the first look-up.
#include <weir/component/expression/json_event.h>
#include <weir/component/stage.h>

namespace weir {

inline JsonEvent& json_of(const Event& event, JsonEvent& own) {
  if (event.json) return *event.json;
  own.look_at(event.bytes);
  return own;
}

}  // namespace weir
