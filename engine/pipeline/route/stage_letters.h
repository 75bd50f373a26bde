#pragma once
/// Letters about what stages drop on purpose (a throttle that sheds, data that is too late for its window): copies for
/// the sink or journal that the stage's `dead_letter` names.
///
/// As with what queues shed (shed_letters.h) the event itself still ends dropped{reason}, the letter carries no
/// receipt, nobody waits for it, and it enters only where the line of the dead letters has room to spare. What does not
/// is given up, and counted at the stage as flow_full. They are copied while the batch is whole and sent after the
/// sink queues are unlocked, because the line may be one of them.
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
