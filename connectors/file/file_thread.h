#pragma once
/// A thread for calls to the file system, which may never return: a mount can hang.
///
/// Jobs run one after the other; after each, `done` is called on that thread and must only pass it on. The destructor
/// waits for what runs, but no longer than `patience`: then the thread is left behind and ends when its call returns.
/// So a job touches only what it shares with its owner (by shared_ptr), never the owner itself.
///
/// Thread: its owner's; `idle` any. Cost: waking a sleeping thread, about 20 us. Bound: two jobs. On cancel: what has
/// not begun never runs; after the destructor `done` is not called any more.
#include <weir/base/units.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace weir::file {

class FileThread {
 public:
  static constexpr Duration patience = std::chrono::seconds(1);
  /// The kernel shows 15 characters of `name`. `in_place`: a test's, without a thread; a job runs within `run`.
  explicit FileThread(std::string name, std::function<void()> done = {}, bool in_place = false);
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;
  ~FileThread();

  /// At most one while another one runs or waits.
  void run(std::function<void()> job);
  /// Everything given has been done, and is visible to whoever asks.
  bool idle() const;
  /// The owner has waited long enough: what runs is left behind now.
  void leave_behind();

 private:
  struct Shared;
  static void work(Shared& shared);
  void end(Duration most);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace weir::file
