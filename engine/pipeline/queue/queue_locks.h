#pragma once
/// Several sink queues locked at once, for a fan-out that gives each branch the same prefix (semantics A6).
///
/// Thread: any. Cost: one lock for each.
#include <span>

#include "pipeline/queue/sink_queue.h"

namespace weir::pipeline {

/// Locks several sink queues in the one order that cannot deadlock. `queues` must be sorted by index and without
/// duplicates.
class QueueLocks {
 public:
  explicit QueueLocks(std::span<SinkQueue* const> queues) : queues_(queues) {
    for (SinkQueue* queue : queues_) queue->lock();
  }
  ~QueueLocks() {
    for (SinkQueue* queue : queues_) queue->unlock();
  }
  QueueLocks(const QueueLocks&) = delete;
  QueueLocks& operator=(const QueueLocks&) = delete;

 private:
  std::span<SinkQueue* const> queues_;
};

}  // namespace weir::pipeline
