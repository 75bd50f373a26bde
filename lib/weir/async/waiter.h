#pragma once
/// One arrival that may have to wait for its turn. Whoever asks a guard (or a chain of them) hands one in with the
/// arrival; a guard that has no place now may line it up and give a permit for its place in the line.
///
///   async::Waiter waiter(co_await asio::this_coro::executor);
///   auto permit = chain.try_start({.deadline = deadline, .waiter = &waiter});
///   if (permit && waiter.waits())
///     if (const auto turn = co_await waiter.turn(context, gone); !turn) permit->unused(), refuse(turn.error());
///
/// Until its turn has come nothing has started: a permit that is settled or destroyed before leaves the line. `unused`
/// also gives back what the guards before it gave, last first.
///
/// Thread: one owner; the guard wakes it from any. Cost: nothing for who need not wait; else an allocation and an Asio
/// timer. On cancel: a coroutine that is destroyed while it waits destroys its permit. It must not outlive the guard.
#include <weir/async/sleeper.h>
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <functional>
#include <optional>

namespace weir::async {

class Waiter {
 public:
  /// Nothing: it waits on.
  using Look = std::move_only_function<std::optional<Admitted<void>>()>;

  /// It sleeps as a thread.
  Waiter() = default;
  explicit Waiter(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// It has to wait, until then at the longest.
  bool waits() const { return look_ != nullptr; }
  /// Its turn has come, or why it never will; nothing: it waits on. Needed only by who sleeps in another way.
  std::optional<Admitted<void>> look();
  /// Why it is not worth to wait on; nothing: it is.
  using Gone = std::function<std::optional<Reason>()>;
  /// `gone` is asked now and then, and when the turn comes; what it says ends the wait.
  [[nodiscard]] boost::asio::awaitable<Admitted<void>> turn(const Context& context, Gone gone = {});
  /// For a thread that may block.
  [[nodiscard]] Admitted<void> turn_for(const Context& context);

  /// For guards: it is lined up, and to be woken when `look` has something to say.
  void line_up(TimePoint until, Look look);
  std::shared_ptr<Sleeper> sleeper();
  /// Told when it waited and was refused: for who counts refusals.
  std::function<void(const Rejection&)> on_refused{};

 private:
  Admitted<void> end(Admitted<void> how);

  std::optional<boost::asio::any_io_executor> executor_{};
  std::shared_ptr<SleepingCoroutine> coroutine_{};
  std::shared_ptr<SleepingThread> thread_{};
  TimePoint until_ = never;
  Look look_{};
};

}  // namespace weir::async
