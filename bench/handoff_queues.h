#pragma once
/// The queues that handoff_bench compares: what is between a thread that has batches and one that wants them.
///
/// A contender is one class with the three functions of HandOff and one line in main(): that is where the next one
/// goes. All are bounded, all sleep when there is nothing to do (spinning wins benchmarks and is wrong on two cores),
/// and all notify only when somebody sleeps.
///
/// Thread: one producer, one consumer. Cost: what is measured. On cancel: `close` ends the consumer's waiting.
#include <weir/component/batch.h>
#include <weir/flow/queue/edge.h>

#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "support.h"

namespace weir::bench {

constexpr std::size_t waiting_items = 1024;

template <typename Q>
concept HandOff = std::constructible_from<Q, std::uint32_t> && requires(Q q, Batch batch, std::vector<Batch> group) {
  q.put(std::move(batch));                  // waits for room
  { q.take(group) } -> std::same_as<bool>;  // waits for work; appends all there is; false: closed and empty
  q.close();                                // by the producer, after its last put
};

/// The floor: a mutex and two vectors that change places.
class MutexSwap {
 public:
  explicit MutexSwap(std::uint32_t) { inbox_.reserve(waiting_items); }

  void put(Batch batch) {
    std::unique_lock lock(mutex_);
    if (inbox_.size() == waiting_items) {
      producer_sleeps_ = true;
      room_.wait(lock, [this] { return inbox_.size() < waiting_items; });
    }
    inbox_.push_back(std::move(batch));
    if (std::exchange(consumer_sleeps_, false)) work_.notify_one();
  }

  bool take(std::vector<Batch>& group) {
    std::unique_lock lock(mutex_);
    if (inbox_.empty() && !closed_) {
      consumer_sleeps_ = true;
      work_.wait(lock, [this] { return !inbox_.empty() || closed_; });
    }
    inbox_.swap(group);
    if (std::exchange(producer_sleeps_, false)) room_.notify_one();
    return !group.empty();
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable work_, room_;
  std::vector<Batch> inbox_;
  bool producer_sleeps_ = false, consumer_sleeps_ = false, closed_ = false;
};

/// Weir's Edge under a mutex: bounds in events and bytes, watermarks, priority lanes, ages, service rate, counters. The
/// clock is read for each put and each take, as the engine has to.
class EdgeHandOff {
 public:
  explicit EdgeHandOff(std::uint32_t events) : edge_(config(events), 1) {}

  void put(Batch batch) {
    std::unique_lock lock(mutex_);
    for (;;) {
      batch = edge_.push(std::move(batch), now(), dropped_items_);
      if (std::exchange(consumer_sleeps_, false)) work_.notify_one();
      if (batch.empty() && !edge_.paused()) return;
      producer_sleeps_ = true;
      room_.wait(lock, [this] { return !edge_.paused(); });
      if (batch.empty()) return;
    }
  }

  bool take(std::vector<Batch>& group) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto at = now();
      std::uint64_t events = 0;
      for (Batch item; edge_.pop(Load{1u << 20, 1_GiB}, at, item, dropped_items_);) {
        events += item.size();
        group.push_back(std::move(item));
      }
      edge_.served(events, Duration(1000));
      if (!edge_.paused() && std::exchange(producer_sleeps_, false)) room_.notify_one();
      if (!group.empty() || closed_) return !group.empty();
      consumer_sleeps_ = true;
      work_.wait(lock, [this] { return !consumer_sleeps_ || closed_; });
    }
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_.notify_one();
  }

 private:
  static TimePoint now() { return TimePoint(Duration(wall_ns())); }
  static flow::EdgeConfig config(std::uint32_t events) {
    return {.bound = {waiting_items * events, 1_GiB}, .when_full = flow::WhenFull::block};
  }

  std::mutex mutex_;
  std::condition_variable work_, room_;
  flow::Edge<Batch> edge_;
  flow::DroppedItems<Batch> dropped_items_;
  bool producer_sleeps_ = false, consumer_sleeps_ = false, closed_ = false;
};

static_assert(HandOff<MutexSwap> && HandOff<EdgeHandOff>);

}  // namespace weir::bench
