#pragma once
/// A sink in the running graph: its sink queue, its destination (the state of the remote end), its counters.
///
/// Failure belongs to the destination, not to a worker: breaker, backoff, hold and retry budget are shared by all
/// workers of the sink (semantics E).
///
/// Thread: any; the destination is a guard, the last error is guarded here. Cost: one lock per delivery. On cancel: see
/// Worker.
#include <weir/async/recover_guards.h>
#include <weir/base/context.h>

#include <atomic>
#include <mutex>
#include <string>

#include "config/config.h"
#include "pipeline/delivery/delivery_limit.h"
#include "pipeline/delivery/doubled_rows.h"
#include "pipeline/delivery/pace.h"
#include "pipeline/queue/sink_queue.h"
#include "pipeline/queue/spill.h"
#include "pipeline/report/counters.h"
#include "pipeline/report/group_times.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {

/// No time bound goes below one batch for each worker.
std::uint64_t floor_events(const config::Sink& sink);

struct SinkNode {
  SinkNode(const config::Sink& sink, Ids& letter_ids, const Context& context, int index, std::uint64_t seed);

  const std::string name;
  const std::string type;
  const bool required;
  const bool is_dead_letter_target;
  SinkQueue queue;               ///< what producers push into
  std::unique_ptr<Spill> spill;  ///< between sink queue and workers; null: it does not spill
  Ids& ids;                      ///< for its dead letters
  NodeCounters counters;
  SinkNode* dead_letters = nullptr;
  Fate failure_fate;                      ///< the fate of a permanent failure without dead letters: failed, or dropped
  std::atomic<std::uint64_t> in_hand{0};  ///< events that workers hold, counted from their groups
  std::atomic<std::uint64_t> busy_ns{0}, idle_ns{0}, blocked_ns{0}, deliveries{0};
  std::atomic<int> workers_busy{0};
  std::atomic<bool> failing{false};            ///< from a failed attempt until the next success
  std::atomic<bool> waits_for_letters{false};  ///< its dead letters find no room
  async::DestinationGuard destination;         ///< what all its workers know of the remote end
  Pace pace;                                   ///< rates that all its workers share
  DeliveryLimit at_once;                       ///< and how many of them may deliver at once
  int workers = 1;
  GroupTimes times;
  bool fed_by_journals = false, fed_by_senders = false;

  /// Where what it gives up still is. With both kinds of origin it is said to be repeated; a journal says what it has.
  Remains remains() const { return fed_by_journals && !fed_by_senders ? Remains::on_disk : Remains::with_sender; }
  /// What workers take from.
  SinkQueue& line() { return spill ? spill->back() : queue; }
  /// The pressure of all that waits between producers and workers.
  flow::EdgeStats edge() const { return spill ? spill->edge() : queue.stats(); }
  bool is_empty();
  void served(std::uint64_t events, Duration busy);
  void close();
  void put(std::unique_ptr<Spill> between);

  /// How long nothing may be sent to it: time to the breaker's probe, or to the end of a hold. 0: now.
  Duration blocked_for(TimePoint now) const;
  /// Why nothing may be sent, while blocked_for() is more than nothing.
  Reason blocked_by() const { return blocked_by_.load(std::memory_order_relaxed); }
  void set_blocked_until(TimePoint t, Reason by) {
    blocked_by_.store(by, std::memory_order_relaxed);
    blocked_until_.store(t.time_since_epoch().count(), std::memory_order_relaxed);
  }
  /// What its last attempt failed of, while `failing`.
  Reason failing_by() const { return failing_by_.load(std::memory_order_relaxed); }
  void set_failing(Reason by) {
    failing_by_.store(by, std::memory_order_relaxed);
    failing.store(true, std::memory_order_relaxed);
  }
  void works_again() {
    failing.store(false, std::memory_order_relaxed);
    set_blocked_until(TimePoint{}, Reason::destination_hold);
  }
  /// What holds it up now.
  HoldUp hold_up(TimePoint now);

  /// Senders wait so long for the fate of what they bring here, at most; 0: they do not. Before the flow starts.
  void senders_wait(Duration most);

  /// Nothing has come back from it for so long, which is far longer than usual (flow/queue/sojourn.h), and all its
  /// workers wait for that; while nothing is known that is usual, longer than its senders wait. 0: it is not stalled.
  /// Looked at anew at most every 100 ms.
  Duration stalled_for(TimePoint now);

  /// To be called around a delivery. Returns the busy time it added: overlapping workers count once.
  void start_work(TimePoint now);
  Duration stop_work(TimePoint now);

  /// What describe() needs, without the counters.
  SinkStatus glance(TimePoint now);

  /// So many events ended for good without a dead letter, `told` of them with a sender that is told so.
  void refused_for_good(std::uint64_t events, std::uint64_t told, const std::string& words, TimePoint now);
  /// After a delivery: counts what the other side held already, and warns where nothing explains it (doubled_rows.h).
  void found_already(const DoubledRows::Group& group, TimePoint now);

  void remember_error(const std::string& message);
  /// Worker batch limits; policy values that SIGHUP may change.
  config::WorkerBatch batch() const;
  void reconfigure(const config::Sink& sink);

 private:
  SinkQueue::OnShed letters_of_shed();
  mutable std::mutex mutex_;
  flow::BusyTime busy_;
  DoubledRows doubled_;
  std::string last_error_;
  config::WorkerBatch batch_;
  RefusedForGood refused_;
  TimePoint refused_at_{};
  std::atomic<Duration::rep> blocked_until_{0};
  std::atomic<Reason> blocked_by_{Reason::destination_hold}, failing_by_{Reason::destination_failing};
  std::atomic<Duration::rep> looked_at_{0}, stalled_for_{0};
  Duration senders_wait_ = std::chrono::seconds(30);  ///< the shortest
};

}  // namespace weir::pipeline
