#pragma once
/// The one queue in front of a sink: an async::LockedEdge of batches, and the sleepers to wake.
///
/// Producers (reactors) lock every sink queue they are about to push to, in ascending order, so that a fan-out gives
/// each branch exactly the same prefix (semantics A6). The consumer takes all that waits in one go (swap-drain). Waking
/// a sleeping thread costs about 20 us, so consumers are notified only when one sleeps, and producers only when they
/// said they wait and the edge has come down to its low watermark: once per pause, not once per event.
///
/// Thread: any. Cost: one uncontended lock and the edge's own cost per batch. On cancel: `close` ends the consumers'
/// waiting; what waits stays until popped.
#include <weir/async/locked_edge.h>
#include <weir/component/batch.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/report/left.h"

namespace weir::pipeline {

/// A producer that waits for room. Call `arm` before looking at the sink queue, so that no wake-up is lost in between.
class RoomListener {
 public:
  virtual ~RoomListener() = default;
  /// Called by the consumer's thread, without locks held; must only post it to its own thread.
  virtual void on_queue_room() noexcept = 0;
  void arm() { waiting_.store(true, std::memory_order_seq_cst); }
  bool disarm() { return waiting_.exchange(false, std::memory_order_seq_cst); }

 private:
  std::atomic<bool> waiting_{false};
};

class SinkQueue {
 public:
  /// `index` orders the locks; `floor_events` is one batch for each worker: no time bound goes below it.
  SinkQueue(int index, std::string name, const flow::EdgeConfig& config, std::uint64_t seed,
            std::uint64_t floor_events);

  const std::string& name() const { return name_; }
  int index() const { return index_; }
  void add_listener(RoomListener& listener) { listeners_.push_back(&listener); }  // before threads start
  /// Called for each batch that is shed here, before it ends and without locks held, when the policy wants a share of
  /// them kept as dead letters. Set before threads start.
  using OnShed = std::function<void(const Batch& shed, Reason reason, double share, TimePoint now)>;
  void on_shed(OnShed keep) { on_shed_ = std::move(keep); }

  // ---- producers; between lock() and unlock() ----
  void lock() { edge_.lock(); }
  void unlock() { edge_.unlock(); }
  template <typename T>
  std::uint32_t room_for(const T& batch) const {
    return edge_.room_for(batch);
  }
  /// The rest that did not fit (empty after a room_for that said so).
  Batch push(Batch batch, TimePoint now);
  /// What pushing leaves to do once the lock is released: wake a sleeping consumer, end what the policy picked.
  struct Aftermath {
    bool wake = false;
    flow::DroppedItems<Batch> dropped_items;
    TimePoint at{};
  };
  Aftermath take_aftermath() { return {std::exchange(notify_, false), std::exchange(dropped_items_, {}), pushed_at_}; }

  // ---- producers; without the lock ----
  void finish(Aftermath aftermath);
  /// Lock, push what fits, unlock, finish: for producers that push to this sink queue only. `batch` keeps the rest.
  std::uint32_t push_alone(Batch& batch, TimePoint now);
  /// For events that may be left out: calls `make(room)` for a batch within the spare room of this priority, while the
  /// queue is locked, and takes all of it. Returns the number of events; 0: no room, or `make` gave nothing.
  std::uint32_t push_spare(Priority priority, TimePoint now, const std::function<Batch(Load room)>& make);

  /// May priority c be read now? One relaxed load.
  bool paused(Priority priority) const { return edge_.paused(priority); }

  /// Full means drop: sources read on, and nothing is refused at the door because of it.
  bool sheds() const { return edge_.sheds(); }

  /// Set while a consumer takes everything at once (a spill): no source is asked to pause, whatever the fill.
  void read_on(bool on);

  /// The part of the bound that this priority may fill.
  double limit(Priority priority) const {
    return priority >= Priority::high ? 1.0 : 1.0 - reserved_for_high_.load(std::memory_order_relaxed);
  }

  bool has_reserved_part(Priority priority) const {
    return priority >= Priority::high && reserved_for_high_.load(std::memory_order_relaxed) > 0;
  }

  // ---- consumers ----
  struct Taken {
    bool any = false;
    bool closed = false;
  };
  /// Appends up to `most` to `group`, and adds its events to `in_hand` before they leave the queue. Never waits.
  Taken try_take(Load most, TimePoint now, std::vector<Batch>& group, std::atomic<std::uint64_t>* in_hand = nullptr);
  /// Sleeps until something waits, `interrupt` was called, or the time has passed. Spurious returns are allowed.
  /// `seen` is the caller's own count of interrupts (start with 0): one that came before the call ends it at once.
  void wait(Duration most_time, std::uint64_t& seen);
  void wait_interruptible(Duration most_time,
                          std::uint64_t& seen);  ///< ignores arrivals: for backoff and breaker waits
  void interrupt();
  void served(std::uint64_t events, Duration busy);

  void close();
  bool closed() const;
  bool empty() const;
  flow::Pressure pressure(TimePoint now) const;
  flow::EdgeStats stats() const;
  void reconfigure(const flow::EdgeConfig& config, std::uint64_t floor_events);
  /// Closes it and hands out everything that waits.
  std::vector<Batch> take_all();
  /// Ends everything that still waits with abandoned{shutdown}.
  Left abandon(Remains remains = Remains::with_sender);

 private:
  void wake_producers();
  void end(flow::DroppedItems<Batch>& dropped_items, TimePoint now);

  const int index_;
  const std::string name_;
  mutable async::LockedEdge<Batch> edge_;
  std::condition_variable wake_;
  std::condition_variable interrupted_;  // for waiters that ignore arrivals: on wake_ they would swallow a notify_one
  flow::DroppedItems<Batch> dropped_items_;  // picked under the lock, ended after it
  std::vector<RoomListener*> listeners_;
  std::atomic<double> reserved_for_high_;
  std::atomic<double> dead_letter_shed_;
  OnShed on_shed_;
  TimePoint pushed_at_{};
  int sleepers_ = 0;
  bool notify_ = false;
  std::uint64_t interrupts_ = 0;
};

}  // namespace weir::pipeline
