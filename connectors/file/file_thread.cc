#include "file_thread.h"

#include <pthread.h>
#include <weir/base/result.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace weir::file {

struct FileThread::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;  // that have not begun
  std::function<void()> done;
  bool ended = false, gone = false;
  std::atomic<bool> busy{
      false};  // from `run` to the end of the job: asked without the lock, which a job's end may hold
};

FileThread::FileThread(std::string name, std::function<void()> done, bool in_place)
    : shared_(std::make_shared<Shared>()) {
  shared_->done = std::move(done);
  if (in_place) return;
  thread_ = std::thread([shared = shared_, name = std::move(name)] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    work(*shared);
  });
}

FileThread::~FileThread() { end(patience); }

void FileThread::leave_behind() { end(Duration{0}); }

void FileThread::end(Duration most) {
  if (!thread_.joinable()) return;
  std::unique_lock lock(shared_->mutex);
  shared_->ended = true;
  shared_->jobs.clear();
  shared_->changed.notify_all();
  const bool gone = shared_->changed.wait_for(lock, most, [this] { return shared_->gone; });
  lock.unlock();
  gone ? thread_.join() : thread_.detach();
}

void FileThread::run(std::function<void()> job) {
  if (!thread_.joinable()) {  // in place, or left behind: then nobody asks for anything any more
    if (shared_->ended) return;
    job();
    if (shared_->done) shared_->done();
    return;
  }
  {
    const std::lock_guard lock(shared_->mutex);
    WEIR_CHECK(shared_->jobs.empty());
    shared_->jobs.push_back(std::move(job));
    shared_->busy.store(true, std::memory_order_relaxed);
  }
  shared_->changed.notify_all();  // without the lock, which the thread wants first
}

bool FileThread::idle() const { return !shared_->busy.load(std::memory_order_acquire); }

void FileThread::work(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  while (true) {
    shared.changed.wait(lock, [&] { return shared.ended || !shared.jobs.empty(); });
    if (shared.ended) break;
    auto job = std::move(shared.jobs.front());
    shared.jobs.pop_front();
    lock.unlock();
    job();
    job = {};  // what it shares may go before anybody hears of it
    lock.lock();
    shared.busy.store(false, std::memory_order_release);
    if (!shared.ended && shared.done) shared.done();
  }
  shared.gone = true;
  shared.changed.notify_all();
}

}  // namespace weir::file
