#pragma once
/// An operation that is tried again until it works, as often and as soon as its destination allows.
///
///   auto reply = co_await retry(to, [&] { return ask(peer); }, later(now, 2s));
///   if (!reply) log(reply.error().what());    // "breaker_open after 2 attempts; the last one: connection refused"
///
/// `to` is what all callers of one remote end share (recover_guards.h): its breaker, its hold, its retry budget and its
/// backoff. Each attempt asks it for a Permit and reports what came of it:
///
///   fn gave                            report       what follows
///   a value                            ok           the value is returned
///   overloaded, with a retry_after     refused      again after that time
///   overloaded without, disconnected   failed       again after the backoff of this many failures
///   unsupported, failed                ok           given up: the other side works, its answer is no
///   nothing by the deadline            failed       given up (awaitable face only; the attempt is cancelled)
///
/// It gives up after `most_attempts` (the first included), when `to` refuses (breaker open, hold, retry budget empty:
/// they exist so that nobody tries harder), and when the next attempt could not start before the deadline, without
/// waiting for it. What `fn` throws goes through and its permit counts as ignored: throw for defects, return an Error
/// for the rest. With `deadline` never, a retry_after of a year is waited for: name a deadline.
///
/// When to choose it: an operation that may be repeated. One that may not needs one attempt and no retry: ask the guard
/// for a Permit. Retry at one level only: three levels of three attempts are 27.
///
/// Thread: one caller; `to` is shared by all. Cost: a permit each attempt, a timer each wait; with a deadline the
/// awaitable face costs with_deadline's 2 us. Time is the Context's; while it sleeps the machine's clock stands in.
/// On cancel: the running attempt is cancelled and ignored, operation_aborted is thrown.
/// Ref: semantics E1 to E3; flow/recover/destination.h.
#include <weir/async/recover_guards.h>
#include <weir/async/sleeper.h>
#include <weir/async/with_deadline.h>
#include <weir/flow/recover/later.h>

#include <boost/asio/awaitable.hpp>

#include <expected>
#include <optional>
#include <string>
#include <type_traits>

namespace weir::async {

struct RetryFailure {
  std::optional<Rejection> refusal{};  ///< why there was no further attempt; absent: the last answer ended it
  std::optional<Error> last{};         ///< of the last attempt that answered
  int attempts = 0;
  std::string what() const;  ///< one line
};

template <typename T>
class [[nodiscard]] Tried : public std::expected<T, RetryFailure> {
 public:
  using std::expected<T, RetryFailure>::expected;
};

/// The decisions of a retry, without its waiting: what both faces do between two attempts.
class RetrySteps {
 public:
  RetrySteps(DestinationGuard& to, TimePoint deadline, int most_attempts)
      : to_(to), deadline_(deadline), most_attempts_(most_attempts) {}

  /// Permission for the next attempt. False: given up.
  [[nodiscard]] bool start();
  /// For this attempt.
  Duration time_left() const { return flow::until(deadline_, to_.context().now()); }
  void worked() { permit_.ok(); }
  /// How long to wait before the next attempt; nothing: given up.
  [[nodiscard]] std::optional<Duration> failed(Error error);
  /// The deadline came before an answer: given up.
  void timed_out();
  std::unexpected<RetryFailure> failure() { return std::unexpected(std::move(failure_)); }

 private:
  DestinationGuard& to_;
  const TimePoint deadline_;
  const int most_attempts_;
  Permit permit_;
  RetryFailure failure_;
};

/// How the two faces wait; tests on given time pass their own.
struct SleepOnTimer {
  boost::asio::awaitable<void> operator()(Duration time) const;
};
struct SleepOnThread {
  void operator()(Duration time) const { SleepingThread().sleep(time); }
};

template <typename T>
Tried<T> tried(Result<T> answer) {
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return Tried<T>(std::move(*answer));
}

/// `fn()` gives an awaitable<Result<T>>.
template <typename Fn, typename Sleep = SleepOnTimer,
          typename T = typename std::invoke_result_t<Fn&>::value_type::value_type>
boost::asio::awaitable<Tried<T>> retry(DestinationGuard& to, Fn fn, TimePoint deadline, int most_attempts = 3,
                                       Sleep sleep = {}) {
  RetrySteps steps(to, deadline, most_attempts);
  while (steps.start()) {
    std::optional<Result<T>> answer;
    if (deadline == never)
      answer.emplace(co_await fn());
    else
      answer = co_await with_deadline(fn(), steps.time_left());
    if (!answer) {
      steps.timed_out();
      break;
    }
    if (answer->has_value()) {
      steps.worked();
      co_return tried(std::move(*answer));
    }
    const auto wait = steps.failed(std::move(answer->error()));
    if (!wait) break;
    co_await sleep(*wait);
  }
  co_return steps.failure();
}

/// For a thread that may block: `fn()` gives a Result<T>. The deadline does not interrupt an attempt that runs: give
/// `fn` a time-out of its own.
template <typename Fn, typename Sleep = SleepOnThread, typename T = typename std::invoke_result_t<Fn&>::value_type>
Tried<T> retry_for(DestinationGuard& to, Fn fn, Duration most_time, int most_attempts = 3, Sleep sleep = {}) {
  RetrySteps steps(to, flow::later(to.context().now(), most_time), most_attempts);
  while (steps.start()) {
    Result<T> answer = fn();
    if (answer.has_value()) {
      steps.worked();
      return tried(std::move(answer));
    }
    const auto wait = steps.failed(std::move(answer.error()));
    if (!wait) break;
    sleep(*wait);
  }
  return steps.failure();
}

}  // namespace weir::async
