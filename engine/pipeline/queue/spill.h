#pragma once
/// The disk between the two halves of a queue with `when_full: spill` (semantics B4).
///
///   producers -> front (half of the bound) -> Spill -> back (the other half) -> workers
///                                              |  ^
///                                              v  |
///                                        a log on the disk
///
/// What fits goes straight on. What does not fit, and what arrives while 80 % of the process's budget are in use
/// (semantics C7), goes to the disk: its memory is given back, its receipts stay open. While the disk holds an event of
/// a priority, later ones of that priority go behind it. When the disk or the table of receipts is full too, the front
/// fills and holds its producers up.
///
///   fate of a spilled event     what its worker makes of it; failed when the disk has lost it
///   kill -9                     what no worker had finished comes back: at least once
///   stop, deadline over         what waits or is in a worker's hands goes to the disk as well, behind what is there
///
/// The log makes no promise of its own: nothing is synced, and no sender is told `stored` because of it.
///
/// Thread: `step` one; `keep` any, after `stop`; the rest as said. Cost: a move; on the disk one copy and one write for
/// up to 1 MiB each way. Memory: read_back for what is back from the disk, SpillReceipts::memory, the log's buffers. On
/// cancel: `stop` ends the thread, `put_away` saves what waits.
#include <weir/base/wall_age.h>
#include <weir/flow/demand/budget.h>

#include <array>
#include <mutex>
#include <thread>

#include "config/config.h"
#include "journal/reader.h"
#include "pipeline/queue/sink_queue.h"
#include "pipeline/queue/spill_receipts.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {

/// Half of the queue's bound for each side. Rules of age (CoDel, expiry) apply at the back.
flow::EdgeConfig spill_front(flow::EdgeConfig queue);
flow::EdgeConfig spill_back(flow::EdgeConfig queue);

class Spill final : public RoomListener {
 public:
  struct Setup {
    std::string name;  ///< of the sink
    config::SpillConfig config;
    flow::EdgeConfig queue;
    Bytes read_back;  ///< set aside for what comes back from the disk
    std::uint64_t seed = 1, floor_events = 1;
  };
  Spill(Setup setup, SinkQueue& front, const Budget& process, const Context& context, journal::Disk& disk);
  ~Spill() override;

  /// Reads what an earlier run has left.
  Result<void> open();
  SinkQueue& back() { return back_; }

  enum class Need : std::uint8_t { nothing, arrivals, room, finished };
  struct Next {
    Need need = Need::nothing;  ///< nothing: step again at once
    Duration wait{0};           ///< at most so long
  };
  Next step();
  void start();
  void stop();  ///< the thread ends; what waits stays where it is

  /// At the drain deadline: saves the events that a worker holds, except those that have `moved`. True: they are on the
  /// disk.
  bool keep(const Batch& batch, std::span<const Batch::Ending> moved = {});
  /// After `stop`, when the workers have ended: everything goes to the disk, and the log is closed.
  Left put_away();
  /// Events that are on the disk for the next start.
  std::uint64_t kept() const;

  /// Neither on the disk nor in hand.
  bool empty() const { return held_.load(std::memory_order_acquire) == 0; }
  SpillStatus status() const;
  /// Nothing can be spilled, because the disk is full (not: because `max_bytes` is).
  bool is_disk_full() const { return disk_full_.load(std::memory_order_relaxed); }
  /// The pressure of front, disk and back together.
  flow::EdgeStats edge() const;
  flow::Pressure pressure(TimePoint now) const;
  void reconfigure(const flow::EdgeConfig& queue, std::uint64_t floor_events);
  void on_queue_room() noexcept override { front_.interrupt(); }

 private:
  void run();
  void collect();
  bool give_back(TimePoint now);
  bool read_one(TimePoint now);
  void step_over_losses();
  bool take(TimePoint now);
  bool place(TimePoint now);
  bool place_on_disk();
  std::uint32_t push_back(Batch& batch, TimePoint now);
  bool is_behind(Priority priority) const;
  bool is_pressed() const;
  std::uint64_t on_disk() const;
  void save(Batch batch, Left& lost);
  void say(const std::string& error, bool disk_full = false);
  void say_that_it_spills();
  void publish();

  const std::string name_;
  const config::SpillConfig config_;
  SinkQueue& front_;
  SinkQueue back_;
  const Budget& process_;
  const Context& context_;
  const WallAge age_;
  journal::Disk& disk_;
  Budget read_back_;
  SpillReceipts receipts_;
  std::unique_ptr<journal::Log> log_;
  journal::Consumer* consumer_ = nullptr;
  std::optional<journal::Reader> reader_;

  std::vector<Batch> hand_;                                  // taken from the front, with nowhere to go yet
  Batch returning_;                                          // read from the disk, not all of it in the back yet
  std::array<std::uint64_t, priority_count> by_priority_{};  // events of this life that are on the disk, or returning
  std::uint64_t recovered_end_ = 1;                          // before it lie events whose priorities are not known yet
  std::uint64_t disk_bytes_ = 0;
  std::vector<Batch::Slot> index_;
  std::vector<Batch::Run> runs_;
  TimePoint tick_at_{};
  bool could_not_ = false;  // spill, and has not since
  bool settled_ = false;    // just now: its memory may come a moment later

  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> held_{0}, in_motion_{0};
  std::atomic<bool> disk_full_{false};
  std::mutex keep_;            // of workers that save what they hold
  mutable std::mutex status_;  // everything below
  SpillStatus told_;
  std::array<std::uint64_t, 2> ended_{};  // events that failed with the disk; that a stop had to abandon
};

}  // namespace weir::pipeline
