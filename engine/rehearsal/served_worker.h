#pragma once
/// One worker of a sink and the service it delivers to, on a virtual clock.
///
/// A worker delivers synchronously: `Sink::deliver` returns when the other side has answered. So each has a thread, and
/// the threads and the clock pass a baton: exactly one of them runs at a time, a seed gives the same run every time,
/// and nothing is locked against anything (decision 0024).
///
/// Thread: that of the clock calls everything; its own runs only while it has the baton, and ends before the destructor
/// does. Cost: about 20 us a delivery. On cancel: `abandon`, then `finish`.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "pipeline/delivery/worker.h"
#include "rehearsal/simulated_service.h"

namespace weir::pipeline {

/// What one of two threads waits for until the other has given it.
class Baton {
 public:
  void give();
  void take();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_ = false;
};

class ServedWorker {
 public:
  struct Counts {
    std::uint64_t delivered = 0;  ///< events
    std::uint64_t deliveries = 0, failed = 0;
    Duration busy{0};
  };

  ServedWorker(SinkNode& node, SimulatedService& service, const Context& context, Counts& counts);
  ServedWorker(const ServedWorker&) = delete;
  ServedWorker& operator=(const ServedWorker&) = delete;
  ~ServedWorker();

  /// When it wants the baton; `never`: when something arrives.
  TimePoint wants() const;
  /// Lets it run until it waits.
  void resume();
  void abandon() { worker_.abandon(); }
  /// After `abandon`: it ends.
  void finish();

 private:
  enum class State : std::uint8_t { idle, waiting, serving, ended };
  class End;
  bool interrupted() const;
  void play();
  void pass_baton();
  Delivery serve(std::span<const Batch> batches);

  SinkNode& node_;
  SimulatedService& service_;
  const Context& context_;
  Counts& counts_;
  State state_ = State::idle;
  TimePoint wake_{};
  bool finishing_ = false;
  std::uint64_t interrupts_seen_ = 0;
  Baton go_, back_;
  Worker worker_;
  std::thread thread_;
};

}  // namespace weir::pipeline
