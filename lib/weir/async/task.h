#pragma once
/// One piece of work for a ThreadPool, and what to do when it will not be run.
///
/// Exactly one of `run` and `not_run` is called, once. A task that was refused stays with its submitter, and neither is
/// called. `bytes` is what it holds while it waits: queues are bounded in tasks and in bytes.
///
///   auto [task, answer] = promised([] { return 6 * 7; });
///   if (pool.try_submit(task)) use(answer.get());     // Admitted<int>: 42, or the Reason for which it was not run
///
/// Thread: a value, one owner at a time. Cost: a move; `promised` allocates the future's state. On cancel:
/// not_run(shutdown). When a promised task is destroyed without either call, get() throws std::future_error, so nobody
/// waits for ever.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::async {

struct Task {
  std::move_only_function<void()> run{};
  std::move_only_function<void(Reason)> not_run{};  ///< may be empty; must not throw
  Priority of = Priority::normal;
  Bytes bytes{};
  TimePoint queued_at{};  ///< set by the pool

  // flow::Waiting: a task is one event and cannot be cut.
  Load load() const { return run ? Load{1, bytes} : Load{}; }
  Priority priority() const { return of; }
  TimePoint since() const { return queued_at; }
  std::uint32_t prefix(Load room) const { return run && load().fits_in(room) ? 1 : 0; }
  Task split(std::uint32_t n) { return n == 0 ? Task{} : std::exchange(*this, Task{}); }
};

template <typename R>
struct [[nodiscard]] Promised {
  Task task;
  std::future<Admitted<R>> answer;  ///< what it returned or threw, or a Rejection with the Reason it was not run for
};

template <typename F, typename R = std::invoke_result_t<F&>>
Promised<R> promised(F work) {
  const auto promise = std::make_shared<std::promise<Admitted<R>>>();
  auto answer = promise->get_future();
  auto run = [promise, work = std::move(work)]() mutable {
    try {
      if constexpr (std::is_void_v<R>) {
        work();
        promise->set_value({});
      } else {
        promise->set_value(work());
      }
    } catch (...) {
      promise->set_exception(std::current_exception());
      throw;  // for the pool to count
    }
  };
  auto not_run = [promise](Reason reason) { promise->set_value(rejected(reason)); };
  return {{std::move(run), std::move(not_run)}, std::move(answer)};
}

}  // namespace weir::async
