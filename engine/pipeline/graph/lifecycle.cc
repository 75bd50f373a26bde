#include "pipeline/graph/lifecycle.h"

#include <weir/base/result.h>

#include <utility>

namespace weir::pipeline {

bool may_follow(FlowState now, FlowState next) {
  switch (now) {
    case FlowState::built: return next == FlowState::opened || next == FlowState::ended;
    case FlowState::opened: return next == FlowState::running || next == FlowState::ended;
    case FlowState::running: return next == FlowState::draining;
    case FlowState::draining: return next == FlowState::ended;
    case FlowState::ended: return false;
  }
  return false;
}

FlowState Lifecycle::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void Lifecycle::enter(FlowState next) {
  std::lock_guard lock(mutex_);
  WEIR_CHECK(may_follow(state_, next));
  state_ = next;
  doing_.clear();
}

void Lifecycle::doing(std::string what) {
  std::lock_guard lock(mutex_);
  doing_ = std::move(what);
}

std::string Lifecycle::why_not_ready() const {
  std::lock_guard lock(mutex_);
  if (state_ == FlowState::running) return {};
  if (state_ == FlowState::ended) return "stopped";
  const std::string where = state_ == FlowState::draining ? "stopping" : "starting";
  return doing_.empty() ? where : where + ": " + doing_;
}

}  // namespace weir::pipeline
