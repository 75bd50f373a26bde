#include <weir/async/thread_pool.h>

#include <system_error>

namespace weir::async {
namespace {

using WhenFull = ThreadPoolConfig::WhenFull;

constexpr Load one_task{1, Bytes(~std::uint64_t{0})};

flow::EdgeConfig edge_config(const ThreadPoolConfig& config) {
  flow::EdgeConfig edge{.bound = config.queue, .max_wait = config.max_wait, .expire_after = config.expire_after};
  switch (config.when_full) {
    case WhenFull::caller_runs:
    case WhenFull::abort: edge.when_full = flow::WhenFull::reject; break;
    case WhenFull::discard: edge.when_full = flow::WhenFull::drop_newest; break;
    case WhenFull::discard_oldest: edge.when_full = flow::WhenFull::drop_oldest; break;
  }
  return edge;
}

}  // namespace

std::optional<Unfit> check(const ThreadPoolConfig& config) {
  if (config.max == 0) return Unfit{"max", "is 0: give it at least one thread"};
  if (config.core > config.max)
    return Unfit{"core", "is " + std::to_string(config.core) + ", above max, " + std::to_string(config.max) +
                             ": lower core or raise max"};
  return first_unfit({check_duration("keep_alive", config.keep_alive, Zero::allowed),
                      config.max_wait ? check_duration("max_wait", *config.max_wait) : std::nullopt,
                      config.expire_after ? check_duration("expire_after", *config.expire_after) : std::nullopt});
}

/// Work that a change leaves to be done without the lock: declare it before the lock.
struct ThreadPool::Aftermath {
  Aftermath() = default;
  Aftermath(const Aftermath&) = delete;
  Aftermath& operator=(const Aftermath&) = delete;
  ~Aftermath() {
    for (auto& dropped_item : dropped_items)
      if (dropped_item.item.not_run) dropped_item.item.not_run(dropped_item.reason);
    for (Worker& worker : ended) worker.thread.join();
  }
  flow::DroppedItems<Task> dropped_items;
  Workers ended;
  Wakeups wakeups;
};

ThreadPool::ThreadPool(const ThreadPoolConfig& config, const Context& context)
    : config_(checked(config, "thread pool")),
      context_(context),
      edge_(edge_config(config), context.rng().next(), config.max),
      idle_(config.max),
      submitters_(config.most_sleepers),
      drainers_(config.most_sleepers) {}

ThreadPool::~ThreadPool() {
  cancel();
  Workers leaving;
  {
    const std::lock_guard lock(edge_);
    WEIR_CHECK(submitters_.size() + drainers_.size() == 0);
    leaving.splice(leaving.end(), workers_);
    leaving.splice(leaving.end(), ended_);
  }
  for (Worker& worker : leaving) worker.thread.join();
  WEIR_CHECK(running_ == 0);
}

// ---- submitting ----

Admitted<void> ThreadPool::try_submit(Task& task) {
  WEIR_CHECK(task.run);
  Aftermath after;
  {
    const std::lock_guard lock(edge_);
    if (edge_.closed()) return refuse(Reason::shutting_down);
    if (place(task, last_in_line, after)) return {};
    const bool somebody_serves = counts_.threads > 0;  // not if the system could not start even one thread
    if (config_.when_full != WhenFull::caller_runs) {
      if (config_.when_full == WhenFull::abort || !somebody_serves) return refuse(Reason::flow_full);
      enqueue(task, after);
      return {};
    }
    starts_running();
    ++counts_.run_by_callers;
  }
  run(task);
  return {};
}

/// Where java.util.concurrent would put it; false: everything is full.
bool ThreadPool::place(Task& task, std::uint64_t number, Aftermath& after) {
  if (counts_.threads < config_.core && start_thread(task, after)) return true;
  if (counts_.threads > 0 && fits(task, number)) {
    enqueue(task, after);
    return true;
  }
  return counts_.threads < config_.max && start_thread(task, after);
}

bool ThreadPool::start_thread(Task& task, Aftermath& after) {
  after.ended.splice(after.ended.end(), ended_);  // so that no more than max of them ever wait to be joined
  const auto worker = workers_.emplace(workers_.end());
  worker->task = std::exchange(task, Task{});
  starts_running();  // before it can have ended
  try {
    worker->thread = std::thread([this, worker] { work(worker); });
  } catch (const std::system_error&) {  // the system has no more threads: go on with the present ones
    task = std::move(worker->task);
    workers_.erase(worker);
    --running_;
    busy_.stop(context_.now());
    return false;
  }
  ++counts_.started_threads;
  counts_.most_threads = std::max(counts_.most_threads, ++counts_.threads);
  return true;
}

bool ThreadPool::fits(const Task& task, std::uint64_t number) const {
  if (submitters_.waits_before(task.of, number)) return false;
  const Load waiting = edge_.edge().waiting();
  if (waiting.empty()) return true;
  return waiting.events < edge_.edge().bound_events() && waiting.bytes <= config_.queue.bytes &&
         task.bytes <= config_.queue.bytes - waiting.bytes;
}

void ThreadPool::enqueue(Task& task, Aftermath& after) {
  const TimePoint now = context_.now();
  task.queued_at = now;
  const Task rest = edge_.push(std::exchange(task, Task{}), now, after.dropped_items);
  WEIR_CHECK(!rest.run);
  idle_.wake_first(after.wakeups);
  after_change(after);
}

void ThreadPool::starts_running() {
  ++running_;
  busy_.start(context_.now());
}

std::optional<Admitted<void>> ThreadPool::offer(Task& task, Turn* turn) {
  Aftermath after;
  const std::lock_guard lock(edge_);
  if (turn) turn->look();
  if (edge_.closed()) return refuse(Reason::shutting_down);
  if (place(task, turn ? turn->number() : last_in_line, after)) return Admitted<void>{};
  if (turn && !turn->line_up()) return refuse(Reason::flow_full);
  return std::nullopt;
}

boost::asio::awaitable<Admitted<void>> ThreadPool::submit(Task& task, TimePoint deadline) {
  WEIR_CHECK(task.run);
  auto attempt = [&](Turn* turn) { return offer(task, turn); };
  co_return submitted(co_await attempt_until(wait_in(submitters_, deadline), attempt));
}

Admitted<void> ThreadPool::submit_for(Task& task, Duration most_time) {
  WEIR_CHECK(task.run);
  auto attempt = [&](Turn* turn) { return offer(task, turn); };
  return submitted(block_until(wait_in(submitters_, flow::later(context_.now(), most_time)), attempt));
}

Admitted<void> ThreadPool::submitted(std::optional<Admitted<void>> done) {
  if (done) return *done;
  const std::lock_guard lock(edge_);
  return refuse(Reason::deadline_exceeded);
}

std::unexpected<Rejection> ThreadPool::refuse(Reason reason) {
  ++counts_.refused;
  if (reason == Reason::shutting_down) return rejected(reason);
  return rejected(reason, edge_.edge().pressure(context_.now()).time_to_low.value_or(Duration{0}));
}

// ---- a thread of the pool ----

void ThreadPool::work(Workers::iterator self) {
  auto attempt = [this, self](Turn* turn) { return take(self->task, turn); };
  for (;;) {
    run(self->task);
    for (;;) {
      const auto took = block_until(wait_in(idle_, patience()), attempt);
      if (took && *took) break;
      if (may_leave(self)) return;
    }
  }
}

TimePoint ThreadPool::patience() const {
  const std::lock_guard lock(edge_);
  return counts_.threads > config_.core ? flow::later(context_.now(), config_.keep_alive) : never;
}

/// Whether there is another one; false: there will be none.
std::optional<bool> ThreadPool::take(Task& task, Turn* turn) {
  Aftermath after;
  const std::lock_guard lock(edge_);
  if (turn) turn->look();
  const bool took = edge_.pop(one_task, context_.now(), task, after.dropped_items);
  if (took) starts_running();
  after_change(after);
  if (took) return true;
  if (edge_.closed()) return false;
  if (turn) WEIR_CHECK(turn->line_up());
  return std::nullopt;
}

bool ThreadPool::may_leave(Workers::iterator self) {
  const std::lock_guard lock(edge_);
  if (!edge_.empty()) return false;
  if (!edge_.closed() && counts_.threads <= config_.core) return false;
  --counts_.threads;
  if (!edge_.closed()) ended_.splice(ended_.end(), workers_, self);  // else ~ThreadPool joins it
  return true;
}

void ThreadPool::run(Task& task) {
  bool threw = false;
  try {
    task.run();
  } catch (...) {
    threw = true;
  }
  task = Task{};  // what it held is destroyed before anybody is told that it is done
  Aftermath after;
  const std::lock_guard lock(edge_);
  --running_;
  ++counts_.done;
  if (threw) ++counts_.threw;
  edge_.served(1, busy_.stop(context_.now()));  // may move the bound
  after_change(after);
}

/// Wakes everybody for whom this change may have made a difference.
void ThreadPool::after_change(Aftermath& after) {
  if (edge_.closed()) {
    submitters_.wake_all(after.wakeups);
    idle_.wake_all(after.wakeups);
    if (nothing_left()) drainers_.wake_all(after.wakeups);
  } else if (submitters_.size() > 0 && edge_.edge().waiting().events < edge_.edge().bound_events()) {
    submitters_.wake_first(after.wakeups);  // it wakes the next one if it leaves room
  }
}

// ---- ending ----

void ThreadPool::close() {
  Aftermath after;
  const std::lock_guard lock(edge_);
  edge_.close();
  after_change(after);
}

void ThreadPool::cancel() {
  Aftermath after;
  const std::lock_guard lock(edge_);
  edge_.close();
  edge_.drain([&](Task task) { after.dropped_items.push_back({std::move(task), Reason::shutdown}); });
  after_change(after);
}

std::optional<bool> ThreadPool::look_drained(Turn* turn) {
  const std::lock_guard lock(edge_);
  if (turn) turn->look();
  if (nothing_left()) return true;
  if (turn) WEIR_CHECK(turn->line_up());
  return std::nullopt;
}

boost::asio::awaitable<bool> ThreadPool::drain(TimePoint deadline) {
  close();
  auto attempt = [this](Turn* turn) { return look_drained(turn); };
  co_return (co_await attempt_until(wait_in(drainers_, deadline), attempt)).has_value();
}

bool ThreadPool::drain_for(Duration most_time) {
  close();
  auto attempt = [this](Turn* turn) { return look_drained(turn); };
  return block_until(wait_in(drainers_, flow::later(context_.now(), most_time)), attempt).has_value();
}

ThreadPoolStats ThreadPool::stats() const {
  const std::lock_guard lock(edge_);
  ThreadPoolStats stats = counts_;
  stats.idle = idle_.size();
  stats.running = running_;
  stats.queue = edge_.stats();
  stats.closed = edge_.closed();
  return stats;
}

flow::Pressure ThreadPool::pressure() const {
  const std::lock_guard lock(edge_);
  return edge_.edge().pressure(context_.now());
}

}  // namespace weir::async
