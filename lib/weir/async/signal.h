#pragma once
/// Something a coroutine can wait for, with a deadline: "there is room", "it is settled".
///
/// A Signal is set once and stays set. A WaitLine is many coroutines that wait for the same thing to change; `wake_all`
/// lets each look again, in the order in which they came.
///
/// Thread: one reactor. Cost: an Asio timer each wait, under 1 us. On cancel: a Signal must outlive its waiter; a
/// coroutine that is destroyed while it waits in a WaitLine leaves it.
#include <weir/base/units.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <optional>

namespace weir::async {

class Signal {
 public:
  explicit Signal(boost::asio::io_context& io) : io_(io) {}
  void set() {
    set_ = true;
    if (timer_) timer_->cancel();
  }
  bool is_set() const { return set_; }
  /// True when it was set; false when `most` has passed first.
  boost::asio::awaitable<bool> wait(Duration most);

 private:
  boost::asio::io_context& io_;
  std::optional<boost::asio::steady_timer> timer_;  // only when somebody waits: most need not
  bool set_ = false;
};

class WaitLine {
 public:
  explicit WaitLine(boost::asio::io_context& io) : io_(io) {}
  /// Waits for the next wake_all; false when `most` has passed first.
  boost::asio::awaitable<bool> wait(Duration most);
  void wake_all();
  std::size_t size() const { return line_.size(); }

 private:
  boost::asio::io_context& io_;
  std::list<Signal*> line_;
};

}  // namespace weir::async
