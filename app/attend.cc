#include "attend.h"

#include <future>
#include <thread>

namespace weir::app {

sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread exists, so that only this one takes them
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // `ulimit -f`: the write that is too much fails instead, with EFBIG
  return set;
}

int wait_for_signal(const sigset_t& set, std::chrono::milliseconds most) {
  const timespec time{most.count() / 1000, (most.count() % 1000) * 1'000'000};
  const int s = sigtimedwait(&set, nullptr, &time);
  return s > 0 ? s : 0;
}

bool attend(const sigset_t& signals, std::function<void()> work, const std::function<bool(int signal)>& still_waits) {
  std::packaged_task<void()> task(std::move(work));
  std::future<void> done = task.get_future();
  std::thread worker(std::move(task));
  while (done.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready) {
    if (still_waits(wait_for_signal(signals, std::chrono::milliseconds(5)))) continue;
    worker.detach();
    return false;
  }
  worker.join();
  return true;
}

}  // namespace weir::app
