#pragma once
/// Threads that run tasks, bounded in both: how many threads there are, and how much waits for them (one
/// LockedEdge). The order in which it grows is java.util.concurrent.ThreadPoolExecutor's:
///
///   fewer than `core` threads           start one for the task, even if another one is idle
///   room in the queue                   queue it
///   fewer than `max` threads            start one for the task; it overtakes what is queued
///   otherwise                           full: `when_full` decides
///
///   when_full        try_submit of what does not fit
///   caller_runs      the caller runs it now: it can submit no faster than it works, the oldest back-pressure of all
///   abort            {flow_full, time until the queue is at its low watermark}; the task stays the caller's
///   discard          the task ends as drop_newest
///   discard_oldest   tasks that waited longest end as drop_oldest, and it enters
///
/// An accepted task ends in exactly one way: `run` is called, or `not_run` is told why not (drop_newest, drop_oldest,
/// expired, shutdown), so nobody waits for ever for a discarded task; `promised` turns both into a future. What a task
/// throws is caught and counted. Queued tasks are served by priority and age (flow/queue/lanes.h). A thread above
/// `core` ends after `keep_alive` without work.
///
/// When to choose it: work that blocks or computes for more than some microseconds and must not stall a reactor.
/// caller_runs where the caller may be slowed, abort where the caller can refuse its own client, discard where only the
/// queued work is worth having, discard_oldest where only fresh work is. Short work that never blocks is cheaper in
/// place.
///
/// Deviates from Java: the queue holds at least one task, a thread whose task threw goes on and is not replaced, a
/// closed pool refuses under every policy, and `max_wait` may size the queue by time.
///
/// Thread: any; not_run is called without locks on the thread that caused it. `try_submit` does not wait (caller_runs
/// takes as long as the task); `submit` waits for room until its deadline in place of `when_full`, so a task that calls
/// it may wait for itself. Destroy it from a thread that is not its own.
/// Cost: about 0.5 us a task when threads are busy; waking an idle thread 20 us, starting one 50 us under the lock.
/// On cancel: what is queued ends as shutdown; what runs is waited for, because nothing can stop a thread from outside.
/// Ref: java.util.concurrent.ThreadPoolExecutor; flow/queue/edge.h.
#include <weir/async/locked_edge.h>
#include <weir/async/task.h>
#include <weir/async/wait_list.h>

#include <boost/asio/awaitable.hpp>

#include <list>
#include <thread>

namespace weir::async {

struct ThreadPoolConfig {
  enum class WhenFull : std::uint8_t { caller_runs, abort, discard, discard_oldest };
  std::size_t core = 1, max = 4;  ///< core <= max, max at least 1
  Duration keep_alive = std::chrono::seconds(60);
  Load queue{1'000, 16_MiB};  ///< what may wait; at least one task
  WhenFull when_full = WhenFull::abort;
  std::optional<Duration> max_wait{};      ///< sizes the queue by time: tasks <= rate x max_wait, at least `max`
  std::optional<Duration> expire_after{};  ///< what waited longer is not worth running
  std::size_t most_sleepers = 1024;        ///< submitters that may wait for room
};

/// The first value that cannot be (weir/base/checked.h); keep_alive may be 0 (a thread above core leaves at once).
[[nodiscard]] std::optional<Unfit> check(const ThreadPoolConfig& config);

struct ThreadPoolStats {
  std::size_t threads = 0, most_threads = 0, idle = 0;
  std::uint64_t started_threads = 0;
  std::uint64_t running = 0;         ///< in its threads and in its callers
  std::uint64_t done = 0;            ///< tasks that ran, those that threw included
  std::uint64_t threw = 0;           ///< tasks that ended in an exception
  std::uint64_t run_by_callers = 0;  ///< caller_runs
  std::uint64_t refused = 0;         ///< tasks that were returned to their submitters
  flow::EdgeStats queue;             ///< dropped[...]: discarded, expired
  bool closed = false;
};

class ThreadPool {
 public:
  /// Throws std::invalid_argument for what `check` refuses.
  ThreadPool(const ThreadPoolConfig& config, const Context& context);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();  ///< as cancel, then joins

  /// After a Rejection (flow_full, shutting_down) the task is the caller's as it was.
  [[nodiscard]] Admitted<void> try_submit(Task& task);
  /// flow_full: too many wait already; deadline_exceeded; shutting_down.
  [[nodiscard]] boost::asio::awaitable<Admitted<void>> submit(Task& task, TimePoint deadline);
  [[nodiscard]] Admitted<void> submit_for(Task& task, Duration most_time);

  /// Takes nothing more; what was taken still runs.
  void close();
  /// Closes, and waits until every task that was taken has ended: true; false: the deadline came first.
  [[nodiscard]] boost::asio::awaitable<bool> drain(TimePoint deadline);
  [[nodiscard]] bool drain_for(Duration most_time);
  /// Closes; what is queued ends as shutdown.
  void cancel();

  ThreadPoolStats stats() const;
  flow::Pressure pressure() const;

 private:
  struct Worker {
    std::thread thread{};
    Task task{};
  };
  using Workers = std::list<Worker>;
  struct Aftermath;

  bool place(Task& task, std::uint64_t number, Aftermath& after);
  bool start_thread(Task& task, Aftermath& after);
  bool fits(const Task& task, std::uint64_t number) const;
  void enqueue(Task& task, Aftermath& after);
  void starts_running();
  std::optional<Admitted<void>> offer(Task& task, Turn* turn);
  [[nodiscard]] Admitted<void> submitted(std::optional<Admitted<void>> done);
  std::unexpected<Rejection> refuse(Reason reason);
  void work(Workers::iterator self);
  std::optional<bool> take(Task& task, Turn* turn);
  TimePoint patience() const;
  bool may_leave(Workers::iterator self);
  void run(Task& task);
  std::optional<bool> look_drained(Turn* turn);
  void after_change(Aftermath& after);
  bool nothing_left() const { return running_ == 0 && edge_.empty(); }
  Wait wait_in(WaitList& list, TimePoint deadline) { return {edge_.mutex(), list, context_, deadline}; }

  const ThreadPoolConfig config_;
  const Context& context_;
  mutable LockedEdge<Task> edge_;
  flow::BusyTime busy_;
  WaitList idle_, submitters_, drainers_;
  Workers workers_, ended_;  // ended: has left, and is joined by the next start
  std::uint64_t running_ = 0;
  ThreadPoolStats counts_;  // what nothing above knows
};

}  // namespace weir::async
