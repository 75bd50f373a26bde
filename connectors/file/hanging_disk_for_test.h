#pragma once
/// A file system whose calls do not return while it hangs, as a mount whose server is gone.
///
/// Thread: any. Cost: tests only. A thread that was left behind in a call uses it until its call has returned: let one
/// live as long as the process.
#include <condition_variable>
#include <mutex>

#include "input_disk.h"

namespace weir::file {

class HangingDisk final : public InputDisk {
 public:
  void hang() { set(true); }
  void recover() { set(false); }
  /// Whether somebody is in a call that does not return.
  bool holds_somebody() {
    std::lock_guard lock(mutex_);
    return held_ > 0;
  }

  int status(int fd, struct stat& to) override {
    pass();
    return InputDisk::status(fd, to);
  }
  int status(const std::string& path, struct stat& to) override {
    pass();
    return InputDisk::status(path, to);
  }
  ssize_t read(int fd, char* to, std::size_t n, std::uint64_t offset) override {
    pass();
    return InputDisk::read(fd, to, n, offset);
  }
  int list(const std::string& folder, const std::function<bool(const dirent&)>& f) override {
    pass();
    return InputDisk::list(folder, f);
  }

 private:
  void set(bool hangs) {
    {
      std::lock_guard lock(mutex_);
      hangs_ = hangs;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++held_;
    changed_.wait(lock, [this] { return !hangs_; });
    --held_;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  int held_ = 0;
};

}  // namespace weir::file
