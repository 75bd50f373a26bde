#pragma once
/// Sleeps until another thread wakes it: for a coroutine of any io_context, or a plain thread.
///
/// A wake-up that comes before the sleep ends the next sleep at once, so none is lost; several count as one. The waker
/// holds a shared_ptr, because the sleeper may time out and leave at the same moment.
///
/// Thread: `wake` any, `sleep` the one who sleeps; a coroutine's executor must run one handler at a time (an
/// io_context of one thread, or a strand). An io_context must outlive those who may still wake its coroutines.
/// Cost: a coroutine's sleep is an Asio timer (about 1 us) and its wake-up a post, a thread's is a condition variable;
/// waking a thread that sleeps costs about 20 us either way.
/// On cancel: a coroutine's sleep ends, and its next co_await throws operation_aborted, as Asio has it.
#include <weir/base/units.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace weir::async {

class Sleeper {
 public:
  virtual ~Sleeper() = default;
  /// Call it without locks held.
  virtual void wake() = 0;
};

class SleepingCoroutine final : public Sleeper, public std::enable_shared_from_this<SleepingCoroutine> {
 public:
  explicit SleepingCoroutine(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  void wake() override;
  /// Until woken, or `most` has passed by the machine's clock.
  boost::asio::awaitable<void> sleep(Duration most);

 private:
  boost::asio::steady_timer timer_;
  bool woken_ = false;  // of the executor's thread
};

class SleepingThread final : public Sleeper {
 public:
  void wake() override;
  void sleep(Duration most);

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

/// The sleepers to wake once the lock is released: declare it before the lock.
class Wakeups {
 public:
  Wakeups() = default;
  Wakeups(const Wakeups&) = delete;
  Wakeups& operator=(const Wakeups&) = delete;
  ~Wakeups() {
    for (const auto& sleeper : sleepers_) sleeper->wake();
  }
  void add(std::shared_ptr<Sleeper> sleeper) { sleepers_.push_back(std::move(sleeper)); }

 private:
  std::vector<std::shared_ptr<Sleeper>> sleepers_;
};

}  // namespace weir::async
