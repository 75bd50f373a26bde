#pragma once
/// Carries out a Route for one reactor, with stage objects of its own. A batch is given to it whole; what cannot go yet
/// waits here, one batch of each priority. For each batch a port
///   1. asks every stage about every event of the next chunk (StagedBatch: once, no locks held),
///   2. locks the required sink queues in order and finds the prefix that all of them have room for (semantics A6),
///   3. gives each branch that prefix: the bytes are shared where a branch takes all, copied where a stage stands
///      before it; what was merged is owed by its window from now on.
/// What did not fit waits. The prefix counts events before the stages: a branch is never asked to
/// keep what another cannot take now, and never holds a half-finished output.
///
/// Thread: one reactor. Cost: one lock per required sink queue and batch; stages as they cost; a copy only behind a
/// stage.
#include <array>
#include <optional>

#include "pipeline/route/stage_letters.h"
#include "pipeline/route/staged_batch.h"

namespace weir::pipeline {

class Port {
 public:
  /// `chunk_bytes`: how much of the stages' output is kept before what fits is sent on.
  Port(const Route& route, NodeCounters& origin, Bytes chunk_bytes);

  struct Progress {
    std::uint32_t sent = 0;
    Duration later{0};           ///< a stage or rate holds up the rest for so long; 0: only room is missing, or nothing
    std::uint64_t together = 1;  ///< so many of them will pass then
  };
  /// Takes a batch, and what its copies may cost; nothing of its priority may be waiting.
  void take(Batch batch, Ticket spare);
  /// How many events of a priority wait for room or for a stage.
  std::uint32_t waiting(Priority priority) const {
    const auto& staged = staged_[static_cast<std::size_t>(priority)];
    return staged ? staged->batch.size() : 0;
  }
  /// How many of them, from the front, are no more than `most`: one at least, if any wait; and what the first n bring.
  std::uint32_t waiting_prefix(Priority priority, Load most) const;
  Load waiting_load(Priority priority, std::uint32_t n) const;
  std::string_view waiting_event(Priority priority, std::uint32_t i) const {
    return staged_[static_cast<std::size_t>(priority)]->batch[i];
  }
  /// Sends on the prefix of what waits that is looked at and fits now, at most so many events. Nothing waits: {0, 0}.
  Progress push(Priority priority, TimePoint now, WallTime wall, std::uint32_t most = ~0u);
  /// Takes back what waits: it is never sent.
  Batch give_up(Priority priority);
  bool paused(Priority priority) const;
  std::span<SinkQueue* const> required_queues() const { return required_; }

 private:
  struct Item {
    const Route::Delivery* delivery;
    Batch batch;
    SinkQueue::Aftermath aftermath;
  };
  Progress push(StagedBatch& staged, TimePoint now, WallTime wall, std::uint32_t most);
  std::uint32_t prefix_that_fits(const StagedBatch& staged);
  void count(const StagedBatch& staged, std::uint32_t n);
  void branch(Batch front, StagedBatch& staged);
  void show(const StagedBatch& staged, std::uint32_t n, TimePoint now);
  Batch copy_of(Batch path, const Route::Delivery& delivery, StagedBatch& staged);
  void merge(Batch path, const Route::Merge& merge, const StagedBatch& staged);

  const Route& route_;
  NodeCounters& origin_;
  const Bytes chunk_bytes_;
  std::array<std::optional<StagedBatch>, priority_count> staged_;  // made when first used
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
