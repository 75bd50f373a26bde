#pragma once
/// Work that a reactor does in turns: asked for from anywhere, done once for all who asked, and never after its end.
///
///   schedule()   a turn soon, however many ask before it begins; it is posted, so other work of the reactor comes
///                first
///   sleep(time)  a turn at the latest after this time: of a sleep that is under way and this one the one that ends
///                first stays. It may have ended already; so whoever waits for a time asks again in each turn
///   guarded(f)   f, which does nothing once this task has ended: for handlers that something else calls later
///
/// The destructor ends it: neither a turn nor a guarded handler runs afterwards, whatever is still queued.
///
/// Thread: `schedule` and `guarded` any; everything else the reactor's, or any when the reactor does not run. Cost: an
/// atomic exchange when a turn is scheduled already, else a post; one allocation a guarded handler at most. On cancel:
/// see above.
#include <weir/base/units.h>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

namespace weir::async {

class ReactorTask {
 public:
  ReactorTask(boost::asio::io_context& reactor, std::function<void()> turn);
  ReactorTask(const ReactorTask&) = delete;
  ReactorTask& operator=(const ReactorTask&) = delete;
  ~ReactorTask() { *alive_ = false; }

  void schedule();
  void sleep(Duration time);
  /// No turn after a sleep; one that is scheduled still comes.
  void cancel_sleep();

  template <typename F>
  auto guarded(F f) const {
    return [f = std::move(f), alive = alive_]<typename... Args>(Args&&... args) mutable {
      if (*alive) f(std::forward<Args>(args)...);
    };
  }

 private:
  boost::asio::io_context& reactor_;
  const std::function<void()> turn_;
  boost::asio::steady_timer timer_;
  bool asleep_ = false;  // the timer will bring a turn
  std::atomic<bool> scheduled_{false};
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // written and read by the reactor's thread only
};

}  // namespace weir::async
