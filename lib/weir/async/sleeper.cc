#include <weir/async/sleeper.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace weir::async {
namespace {

// Long enough to count as for ever, and short enough to be added to now without overflow.
constexpr Duration longest = std::chrono::hours(24 * 365);

}  // namespace

void SleepingCoroutine::wake() {
  boost::asio::post(timer_.get_executor(), [self = shared_from_this()] {
    self->woken_ = true;
    self->timer_.cancel();
  });
}

boost::asio::awaitable<void> SleepingCoroutine::sleep(Duration most) {
  if (!woken_) {
    timer_.expires_after(std::min(most, longest));
    boost::system::error_code ignored;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  woken_ = false;
}

void SleepingThread::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_one();
}

void SleepingThread::sleep(Duration most) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::min(most, longest), [this] { return woken_; });
  woken_ = false;
}

}  // namespace weir::async
