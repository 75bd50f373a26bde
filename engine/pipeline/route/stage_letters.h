#pragma once
/// Dead letters about what stages drop (a throttle that sheds, events that are too late for their window): copies for
/// the sink or journal that the stage's `dead_letter` names.
///
/// As with what queues shed (shed_letters.h) the event itself still ends dropped{reason}, the letter carries no
/// receipt, nothing waits for it, and it enters only if the queue of the dead letters has spare room. A letter that
/// finds no room is given up, and counted at the stage as flow_full. Letters are made while the batch is whole and sent
/// after the sink queues are unlocked, because the queue of the dead letters may be one of them.
///
/// Thread: one reactor. Cost: about 1 us a letter, nothing where no stage names dead letters. Memory: 16 KiB for each
/// stage that drops, while a batch passes.
#include <optional>

#include "pipeline/route/staged_batch.h"

namespace weir::pipeline {

class StageLetters {
 public:
  explicit StageLetters(const Route& route);
  /// Of the first n events of the staged batch.
  void copy(const StagedBatch& staged, std::uint32_t n, TimePoint now, WallTime wall);
  void send(TimePoint now);

 private:
  struct Letters {
    std::size_t step;
    StageNode* stage;
    std::optional<BatchBuilder> builder{};
    std::uint64_t given_up = 0;
  };
  void write(Letters& letters, const Outcome& outcome, std::string_view event, WallTime wall,
             std::optional<EventPosition> place);

  const Route& route_;
  std::vector<Letters> all_;  // of the stages that name dead letters
  BatchInfo info_;
};

}  // namespace weir::pipeline
