#include <weir/async/waiter.h>
#include <weir/flow/recover/later.h>

#include <algorithm>

namespace weir::async {
namespace {

/// How often `gone` is asked while nothing happens: a system call each time.
constexpr Duration look_for_gone = std::chrono::milliseconds(25);

}  // namespace

void Waiter::line_up(TimePoint until, Look look) {
  until_ = until;
  look_ = std::move(look);
}

std::shared_ptr<Sleeper> Waiter::sleeper() {
  if (!executor_) {
    if (!thread_) thread_ = std::make_shared<SleepingThread>();
    return thread_;
  }
  if (!coroutine_) coroutine_ = std::make_shared<SleepingCoroutine>(*executor_);
  return coroutine_;
}

std::optional<Admitted<void>> Waiter::look() {
  auto found = look_ ? look_() : std::optional<Admitted<void>>(std::in_place);
  if (!found) return found;
  return end(std::move(*found));
}

Admitted<void> Waiter::end(Admitted<void> how) {
  look_ = nullptr;
  if (!how && on_refused) on_refused(how.error());
  return how;
}

boost::asio::awaitable<Admitted<void>> Waiter::turn(const Context& context, Gone gone) {
  while (true) {
    if (const auto reason = gone ? gone() : std::nullopt) co_return end(rejected(*reason));
    if (auto found = look()) co_return *found;
    const Duration left = flow::until(until_, context.now());
    co_await coroutine_->sleep(gone ? std::min(left, look_for_gone) : left);
  }
}

Admitted<void> Waiter::turn_for(const Context& context) {
  while (true) {
    if (auto found = look()) return *found;
    thread_->sleep(flow::until(until_, context.now()));
  }
}

}  // namespace weir::async
