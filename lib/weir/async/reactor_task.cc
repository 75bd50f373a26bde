#include <weir/async/reactor_task.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace weir::async {

ReactorTask::ReactorTask(boost::asio::io_context& reactor, std::function<void()> turn)
    : reactor_(reactor), turn_(std::move(turn)), timer_(reactor) {}

void ReactorTask::schedule() {
  // An exchange on both sides: who finds it set has written what it asks for before the turn looks.
  if (scheduled_.exchange(true, std::memory_order_acq_rel)) return;
  boost::asio::post(reactor_, guarded([this] {
                      scheduled_.exchange(false, std::memory_order_acq_rel);
                      turn_();
                    }));
}

void ReactorTask::sleep(Duration time) {
  // One that has ended, and whose turn is still to come, ends before as well: that turn has to ask again.
  if (asleep_ && timer_.expiry() <= decltype(timer_)::clock_type::now() + time) return;
  timer_.expires_after(time);
  asleep_ = true;
  timer_.async_wait(guarded([this](const boost::system::error_code& error) {
    if (error) return;  // replaced or cancelled
    asleep_ = false;
    schedule();
  }));
}

void ReactorTask::cancel_sleep() {
  asleep_ = false;
  timer_.cancel();
}

}  // namespace weir::async
