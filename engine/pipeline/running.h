#pragma once
/// One source on one reactor: its outlet and its intake. Lives on that reactor's thread.
#include "pipeline/flow.h"

namespace weir::pipeline {

struct Flow::Running {
  net::Reactor* reactor;
  SourceNode* node;
  std::unique_ptr<SourceOutlet> outlet;
  std::unique_ptr<Intake> intake;
};

}  // namespace weir::pipeline
