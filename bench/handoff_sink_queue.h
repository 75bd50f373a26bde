#pragma once
/// The pipeline's own SinkQueue as a contender of handoff_bench: the Edge, its mutex, the coalesced wake-ups and the
/// pause flag that producers read without a lock. What the engine really pays.
///
/// Thread: one producer, one consumer. Cost: what is measured. On cancel: `close` ends the consumer's waiting.
#include <semaphore>
#include <utility>
#include <vector>

#include "handoff_queues.h"
#include "pipeline/queue/sink_queue.h"
#include "support.h"

namespace weir::bench {

class SinkQueueHandOff : private pipeline::RoomListener {
 public:
  explicit SinkQueueHandOff(std::uint32_t events)
      : queue_(0, "bench", {.bound = {waiting_items * events, 1_GiB}, .when_full = flow::WhenFull::block}, 1, events) {
    queue_.add_listener(*this);
  }

  void put(Batch batch) {
    do {
      wait_for_room();
      queue_.push_alone(batch, now());
    } while (!batch.empty());
  }

  bool take(std::vector<Batch>& group) {
    for (;;) {
      const auto taken = queue_.try_take(Load{1u << 20, 1_GiB}, now(), group);
      std::uint64_t events = 0;
      for (const auto& batch : group) events += batch.size();
      if (taken.any) queue_.served(events, Duration(1000));
      if (taken.any || taken.closed) return taken.any;
      queue_.wait(std::chrono::seconds(1), interrupts_seen_);
    }
  }

  void close() { queue_.close(); }

 private:
  static TimePoint now() { return TimePoint(Duration(wall_ns())); }
  void on_queue_room() noexcept override { room_.release(); }
  void wait_for_room() {
    while (queue_.paused(Priority::normal)) {
      arm();  // before looking again: a wake-up must not fall in between
      if (queue_.paused(Priority::normal) || !disarm()) room_.acquire();
    }
  }

  pipeline::SinkQueue queue_;
  std::counting_semaphore<> room_{0};
  std::uint64_t interrupts_seen_ = 0;
};

static_assert(HandOff<SinkQueueHandOff>);

}  // namespace weir::bench
