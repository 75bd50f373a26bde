#pragma once
/// A stage turns batches into batches: a plain function, run by the thread that has the batch (fused; no queue).
///
/// It looks at one event at a time and emits it, something else in its place, or nothing. What it does not emit is
/// filtered: a fate, settled by the pipeline. Anything dearer than about 2 us an event does not belong here.
///
/// Thread: each reactor has a Stage object of its own; `begin` lets it set up per batch. Cost: target 20 ns an event
/// for passing through. On cancel: nothing to cancel.
#include <weir/component/batch.h>
#include <weir/component/options.h>

#include <string_view>

namespace weir {

class Stage {
 public:
  virtual ~Stage() = default;
  /// Whether this event goes on. (Stages that rewrite events get an emitter with the first of them; see the README.)
  virtual bool keeps(std::string_view event) = 0;
};

}  // namespace weir
