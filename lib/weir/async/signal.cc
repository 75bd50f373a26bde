#include <weir/async/signal.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weir::async {

boost::asio::awaitable<bool> Signal::wait(Duration most) {
  if (set_) co_return true;
  if (!timer_) timer_.emplace(io_);
  timer_->expires_after(most);
  boost::system::error_code ignored;
  co_await timer_->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  co_return set_;
}

boost::asio::awaitable<bool> WaitLine::wait(Duration most) {
  Signal signal(io_);
  struct Waiter {  // leaves the line however the coroutine ends
    std::list<Signal*>& line;
    std::list<Signal*>::iterator at;
    bool gone = false;
    ~Waiter() {
      if (!gone) line.erase(at);
    }
  } place{line_, line_.insert(line_.end(), &signal)};
  const bool woken = co_await signal.wait(most);
  if (woken) place.gone = true;  // wake_all took it out
  co_return woken;
}

void WaitLine::wake_all() {
  std::list<Signal*> woken;
  woken.swap(line_);
  for (Signal* signal : woken) signal->set();
}

}  // namespace weir::async
