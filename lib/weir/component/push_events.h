#pragma once
/// How an intake gives a piece of text with many events to the flow when it is copied: as one block, or one block for
/// each priority that its events have.
///
///   push_copy            all of it; charge = the block, spare = what the rest of the way costs, both out of `ticket`
///   PrioritySplit::pick  those of one priority, in their order and with their numbers (so their ids stay)
///   push_by_priority     one block a priority, the highest first
///
/// Where a ticket is short of what a block costs, the block gets what is there: the caller has reserved the worst case.
///
/// Thread: one. Cost: a copy of the events for push_copy, two for a split, and a pass over `priorities` for each
/// priority. Memory: a split keeps the events of one priority; reserve block_size() of all of them for it.
#include <weir/component/source.h>

#include <span>

namespace weir {

/// Only while output.ready(info.priority). `receipt` may be null: nobody waits.
void push_copy(SourceOutput& output, std::string_view text, std::span<const Batch::Slot> index, Receipt* receipt,
               const BatchInfo& info, Ticket& ticket);

class PrioritySplit {
 public:
  /// False: no event has this priority. `priorities` says each event's of `index`.
  bool pick(Priority priority, std::string_view text, std::span<const Batch::Slot> index,
            std::span<const Priority> priorities);
  /// What was picked, each event ended by '\n'; until the next pick.
  std::string_view text() const { return text_; }
  std::span<const Batch::Slot> index() const { return index_; }

 private:
  std::string text_;
  std::vector<Batch::Slot> index_;
};

/// Only while the output is ready for every priority that occurs.
void push_by_priority(SourceOutput& output, PrioritySplit& split, std::string_view text,
                      std::span<const Batch::Slot> index, std::span<const Priority> priorities, Receipt* receipt,
                      BatchInfo info, Ticket& ticket);

}  // namespace weir
