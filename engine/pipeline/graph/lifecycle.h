#pragma once
/// Where a flow stands between its making and its end, and what it is doing there.
///
///   built ----> opened ----> running ----> draining ----> ended
///     |            |                                        ^
///     +------------+---- a start that failed or was ended --+
///
///   built     the graph exists; nothing is open, no thread runs
///   opened    journals, spills, sinks and sources are open; no thread runs
///   running   the only state in which the flow is ready
///   draining  intake is refused and what is inside leaves
///   ended     everything is closed
///
/// Thread: `enter` and `doing` the flow's owner; the rest any, without waiting for the owner. Cost: one lock. On
/// cancel: nothing waits here.
#include <cstdint>
#include <mutex>
#include <string>

namespace weir::pipeline {

enum class FlowState : std::uint8_t { built, opened, running, draining, ended };
bool may_follow(FlowState now, FlowState next);

class Lifecycle {
 public:
  FlowState state() const;
  /// A transition that is not in the picture above is a defect.
  void enter(FlowState next);
  /// For people: "opening journal ingest". Until the next call, or the next state.
  void doing(std::string what);
  /// Empty: it is ready. Else what it waits for: "starting: opening journal ingest", "stopping".
  std::string why_not_ready() const;

 private:
  mutable std::mutex mutex_;
  FlowState state_ = FlowState::built;
  std::string doing_;
};

}  // namespace weir::pipeline
