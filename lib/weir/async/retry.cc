#include <weir/async/retry.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace weir::async {

std::string RetryFailure::what() const {
  std::string text(refusal ? name(refusal->reason) : "given up");
  text += " after " + std::to_string(attempts) + (attempts == 1 ? " attempt" : " attempts");
  if (last) text += "; the last one: " + last->message;
  return text;
}

bool RetrySteps::start() {
  if (time_left() == Duration{0}) {
    failure_.refusal = {Reason::deadline_exceeded, Duration{0}};
    return false;
  }
  auto permit = to_.try_start({.deadline = deadline_, .retry = failure_.attempts > 0});
  if (!permit) {
    failure_.refusal = permit.error();
    return false;
  }
  permit_ = std::move(*permit);
  ++failure_.attempts;
  return true;
}

std::optional<Duration> RetrySteps::failed(Error error) {
  const auto kind = error.kind;
  const Duration retry_after = error.retry_after;
  failure_.last = std::move(error);
  if (kind == Error::Kind::unsupported || kind == Error::Kind::failed) {
    permit_.ok();
    return std::nullopt;
  }
  const bool named = kind == Error::Kind::overloaded && retry_after > Duration{0};
  const Duration wait = named ? retry_after : to_.backoff(failure_.attempts);
  if (named)
    permit_.refused(retry_after);
  else
    permit_.failed();
  if (failure_.attempts >= most_attempts_) return std::nullopt;
  if (wait < time_left()) return wait;
  failure_.refusal = {Reason::deadline_exceeded, wait};
  return std::nullopt;
}

void RetrySteps::timed_out() {
  permit_.failed();
  failure_.refusal = {Reason::deadline_exceeded, Duration{0}};
}

boost::asio::awaitable<void> SleepOnTimer::operator()(Duration time) const {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::min(time, longest_duration));
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace weir::async
