#pragma once
/// Carries out a Route for one reactor, with stage objects of its own. For each batch a port
///   1. asks every stage about every event of the next chunk (StagedBatch: once, no locks held),
///   2. locks the required sink queues in order and finds the prefix that all of them have room for (semantics A6),
///   3. gives each branch that prefix: the bytes are shared where a branch takes all, copied where a stage stands
///      before it; what was merged is owed by its window from now on.
/// What did not fit stays in the staged batch. The prefix counts events before the stages: a branch is never asked to
/// keep what another cannot take now, and never holds a half-finished output.
///
/// Thread: one reactor. Cost: one lock per required sink queue and batch; stages as they cost; a copy only behind a
/// stage.
#include <functional>

#include "pipeline/route/stage_letters.h"
#include "pipeline/route/staged_batch.h"

namespace weir::pipeline {

class Port {
 public:
  Port(const Route& route, NodeCounters& origin);

  struct Progress {
    std::uint32_t sent = 0;
    Duration later{0};  ///< a stage holds up the rest for so long; 0: only room is missing, or nothing
  };
  /// Sends on the prefix that is looked at and fits now; the staged batch keeps the rest.
  Progress push(StagedBatch& staged, TimePoint now, WallTime wall);
  bool paused(Priority priority) const;
  std::span<SinkQueue* const> required_queues() const { return required_; }

 private:
  struct Item {
    const Route::Delivery* delivery;
    Batch batch;
    SinkQueue::Aftermath aftermath;
  };
  std::uint32_t prefix_that_fits(const StagedBatch& staged);
  void count(const StagedBatch& staged, std::uint32_t n);
  void branch(Batch front, StagedBatch& staged);
  void show(const StagedBatch& staged, std::uint32_t n, TimePoint now);
  Batch copy_of(Batch path, const Route::Delivery& delivery, StagedBatch& staged);
  void merge(Batch path, const Route::Merge& merge, const StagedBatch& staged);

  const Route& route_;
  NodeCounters& origin_;
  std::vector<SinkQueue*> required_;
  std::vector<std::unique_ptr<Stage>> stages_;  // one for each step
  JsonEvent json_;                              // of the event they look at
  StageLetters letters_;                        // about what they drop
  std::vector<Item> items_;                     // scratch of one push
  std::vector<std::uint32_t> sizes_;            // scratch of prefix_that_fits
  std::string copy_;                            // scratch of copy_of
  std::vector<Batch::Slot> index_;
  std::vector<Batch::Run> runs_;
};

}  // namespace weir::pipeline
