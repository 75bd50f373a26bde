#pragma once
/// The pipeline's own Inlet as a contender of handoff_bench: the Edge, its mutex, the coalesced wake-ups and the pause
/// flag that producers read without a lock. What the engine really pays.
///
/// Thread: one producer, one consumer. Cost: what is measured. On cancel: `close` ends the consumer's waiting.
#include <semaphore>
#include <utility>
#include <vector>

#include "handoff_queues.h"
#include "pipeline/inlet.h"
#include "support.h"

namespace weir::bench {

class InletHandOff : private pipeline::RoomListener {
 public:
  explicit InletHandOff(std::uint32_t events)
      : inlet_(0, "bench", {.bound = {waiting_items * events, 1_GiB}, .when_full = flow::WhenFull::block}, 1, events) {
    inlet_.add_listener(*this);
  }

  void put(Batch batch) {
    do {
      wait_for_room();
      inlet_.push_alone(batch, now());
    } while (!batch.empty());
  }

  bool take(std::vector<Batch>& group) {
    for (;;) {
      const auto taken = inlet_.try_take(Load{1u << 20, 1_GiB}, now(), group);
      std::uint64_t events = 0;
      for (const auto& batch : group) events += batch.size();
      if (taken.any) inlet_.served(events, Duration(1000));
      if (taken.any || taken.closed) return taken.any;
      inlet_.wait(std::chrono::seconds(1), interrupts_seen_);
    }
  }

  void close() { inlet_.close(); }

 private:
  static TimePoint now() { return TimePoint(Duration(wall_ns())); }
  void on_inlet_room() noexcept override { room_.release(); }
  void wait_for_room() {
    while (inlet_.paused(Class::normal)) {
      arm();  // before looking again: a wake-up must not fall in between
      if (inlet_.paused(Class::normal) || !disarm()) room_.acquire();
    }
  }

  pipeline::Inlet inlet_;
  std::counting_semaphore<> room_{0};
  std::uint64_t interrupts_seen_ = 0;
};

static_assert(HandOff<InletHandOff>);

}  // namespace weir::bench
