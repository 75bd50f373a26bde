#pragma once
/// Takes the outputs of a merging stage's windows and gives them to the flow behind it: to the rest of the flow a
/// merging stage is where new events come from (created{aggregate}, semantics G1).
///
/// Thread: the first reactor. Cost: one timer. On cancel: `stop` ends all windows early, so that what was merged is
/// delivered before the flow ends. `abandon` takes nothing more out of them: what they hold is ended by their
/// MergeNode.
#include <weir/async/reactor_task.h>
#include <weir/component/source.h>

#include <atomic>

#include "pipeline/route/merge_node.h"

namespace weir::pipeline {

class MergeIntake final : public Intake {
 public:
  MergeIntake(MergeNode& node, boost::asio::io_context& reactor, SourceOutput& output);

  void start() override;
  void stop(Duration retry_after) override;
  void abandon() override;
  bool quiet() const override;
  /// Takes the outputs of windows that are over; returns how long until there may be more. Tests call it themselves.
  Duration turn();

 private:
  bool give();

  MergeNode& node_;
  SourceOutput& output_;
  std::string text_;
  std::optional<Merger::Output> held_;  // taken, and not given yet: its event is `text_`
  std::atomic<bool> finishing_{false}, holding_{false}, abandoned_{false};
  async::ReactorTask turns_;
};

}  // namespace weir::pipeline
