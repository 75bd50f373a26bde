#pragma once
/// The list of the waiters for one thing to change, under the lock of that thing.
///
/// attempt -> not yet: take a place in the line, let go of the lock, sleep -> woken: attempt again. The check and the
/// entry into the line happen under one lock, so no wake-up is lost in between. A woken waiter has left the line, so
/// none is woken twice for one change. A woken waiter that goes away without another attempt (cancelled, destroyed)
/// passes its wake-up on to the next one; otherwise the thing it was woken for would stay unused while others sleep.
///
/// A place keeps its number through all sleeps of one wait, so the order of arrival is kept.
///
/// Thread: the owner's lock is held for every call but ~Turn and attempt_until, which take it. Cost: O(waiting) to
/// leave the middle of the line; a wait that need not sleep makes no allocation of its own. On cancel: the Turn leaves
/// the line however its coroutine ends; the lock and the list must outlive it.
#include <weir/async/sleeper.h>
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/flow/recover/later.h>

#include <boost/asio/this_coro.hpp>

#include <list>
#include <optional>

namespace weir::async {

/// Behind all waiters that have a number.
inline constexpr std::uint64_t last_in_line = ~std::uint64_t{0};

class WaitList {
 public:
  explicit WaitList(std::size_t most) : most_(most) {}
  ~WaitList() { WEIR_CHECK(line_.empty()); }

  std::size_t size() const { return line_.size(); }
  std::uint64_t next_number() { return next_number_++; }
  std::uint64_t woken() const { return woken_; }

  /// False: the line is as long as it may be.
  bool add(std::uint64_t number, Priority priority, std::shared_ptr<Sleeper> sleeper);
  /// False: it is not there any more, it was woken.
  bool remove(std::uint64_t number);
  /// Whether a waiter of this priority came before `number`.
  bool waits_before(Priority priority, std::uint64_t number) const;

  void wake_first(Wakeups& wakeups);
  /// Wakes all whose priority satisfies `which`, in the order in which they came.
  template <typename Which>
  void wake_if(Wakeups& wakeups, Which&& which) {
    for (auto at = line_.begin(); at != line_.end();) at = which(at->priority) ? wake(at, wakeups) : std::next(at);
  }
  void wake_all(Wakeups& wakeups) {
    wake_if(wakeups, [](Priority) { return true; });
  }

 private:
  struct Waiter {
    std::uint64_t number;
    Priority priority;
    std::shared_ptr<Sleeper> sleeper;
  };
  std::list<Waiter>::iterator wake(std::list<Waiter>::iterator at, Wakeups& wakeups);

  const std::size_t most_;
  std::list<Waiter> line_;  // by number
  std::uint64_t next_number_ = 0, woken_ = 0;
};

/// What is waited for, and how long.
struct Wait {
  std::mutex& mutex;
  WaitList& list;
  const Context& context;
  TimePoint deadline;  ///< of the context's clock; while asleep the machine's clock stands in for it
  Priority priority = Priority::normal;
};

/// One wait, from its first sleep to its end.
class Turn {
 public:
  Turn(const Wait& wait, std::shared_ptr<Sleeper> sleeper) : wait_(wait), sleeper_(std::move(sleeper)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();

  /// At the start of an attempt: out of the line, whether woken or not.
  void look();
  /// At the end of an attempt that must wait. False: too many wait already.
  bool line_up();
  std::uint64_t number();

 private:
  Wait wait_;
  std::shared_ptr<Sleeper> sleeper_;
  std::optional<std::uint64_t> number_;
  bool lined_up_ = false;
};

/// Calls `attempt(Turn*)` -> optional<...> until it has a value or the deadline has passed (nullopt). The first time
/// without a Turn, because most need not wait. The attempt takes the lock, calls `look`, and `line_up` if it must wait.
template <typename Attempt>
boost::asio::awaitable<std::invoke_result_t<Attempt&, Turn*>> attempt_until(Wait wait, Attempt& attempt) {
  if (auto done = attempt(nullptr)) co_return done;
  const auto sleeper = std::make_shared<SleepingCoroutine>(co_await boost::asio::this_coro::executor);
  Turn turn(wait, sleeper);
  for (;;) {
    if (auto done = attempt(&turn)) co_return done;
    const Duration left = flow::until(wait.deadline, wait.context.now());
    if (left == Duration{0}) co_return std::nullopt;
    co_await sleeper->sleep(left);
  }
}

/// The same for a thread that may block.
template <typename Attempt>
std::invoke_result_t<Attempt&, Turn*> block_until(Wait wait, Attempt& attempt) {
  if (auto done = attempt(nullptr)) return done;
  const auto sleeper = std::make_shared<SleepingThread>();
  Turn turn(wait, sleeper);
  for (;;) {
    if (auto done = attempt(&turn)) return done;
    const Duration left = flow::until(wait.deadline, wait.context.now());
    if (left == Duration{0}) return std::nullopt;
    sleeper->sleep(left);
  }
}

}  // namespace weir::async
