#pragma once
/// One source on one reactor: its source output and its intake. Lives on that reactor's thread.
#include "pipeline/entry/reactor_output.h"
#include "pipeline/graph/flow.h"

namespace weir::pipeline {

struct Flow::Running {
  net::Reactor* reactor;
  SourceNode* node;
  std::unique_ptr<ReactorOutput> output;
  std::unique_ptr<Intake> intake;
};

}  // namespace weir::pipeline
