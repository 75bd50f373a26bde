#pragma once
/// An operation that must end by a deadline: its value, or nullopt when the deadline came first. Written once, because
/// the two mistakes (leaving the operation running, leaving the timer running) are easy and silent.
///
/// At the deadline the operation is cancelled (terminal), and its end is awaited: when this returns nothing of it is
/// left. So it must let itself be cancelled; one that does not is waited for. A value that is there is given, even if
/// the deadline passed at the same moment. What the operation throws goes through, except the cancellation that the
/// deadline caused. A deadline of 0 or less cancels an operation at its first wait; one that need not wait still gives
/// its value.
///
///   if (auto reply = co_await with_deadline(ask(peer), 2s)) ... else ...   // awaitable<void>: bool
///
/// A `Stop` ends it earlier, as the deadline would: from whoever knows that nobody waits for the value any more.
///
/// Thread: the caller's executor, which must run one handler at a time. The machine's clock, not the Context's.
/// Cost: about 2 us more than the operation alone, as much as a parallel_group and a third of `op || timer` (see
/// channel_bench.cc). Not for every byte read: for that keep a deadline in the session and sweep (about 50 ns).
/// On cancel: cancelling the caller cancels the operation, and operation_aborted is thrown when it has ended.
#include <weir/base/units.h>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace weir::async {

/// Tells one operation, now or whenever it begins, that it is not waited for any more. It outlives the operation.
class Stop {
 public:
  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  void ask() {
    asked_ = true;
    if (end_) end_();
  }
  bool is_asked() const { return asked_; }

 private:
  friend boost::asio::awaitable<bool> with_deadline(boost::asio::awaitable<void> op, Duration most, Stop* stop);
  std::function<void()> end_;
  bool asked_ = false;
};

/// False: the deadline came first, or the stop.
[[nodiscard]] boost::asio::awaitable<bool> with_deadline(boost::asio::awaitable<void> op, Duration most,
                                                         Stop* stop = nullptr);

template <typename T>
boost::asio::awaitable<void> into(std::optional<T>& value, boost::asio::awaitable<T> op) {
  value.emplace(co_await std::move(op));
}

template <typename T>
[[nodiscard]] boost::asio::awaitable<std::optional<T>> with_deadline(boost::asio::awaitable<T> op, Duration most,
                                                                     Stop* stop = nullptr) {
  std::optional<T> value;
  co_await with_deadline(into(value, std::move(op)), most, stop);
  co_return value;
}

}  // namespace weir::async
