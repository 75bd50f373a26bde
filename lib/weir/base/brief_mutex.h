#pragma once
/// A mutex for sections of some tens of nanoseconds that several threads enter all the time. A thread that finds it
/// taken tries again for about a microsecond before it sleeps: falling asleep and being woken costs ten times the
/// section.
///
/// Not for sections that allocate much, log, call back or wait: there a std::mutex.
///
/// Thread: any; std::lock_guard works with it. Cost: as std::mutex when free; taken, at most 64 tries, then a sleep.
#include <mutex>

namespace weir {

class BriefMutex {
 public:
  void lock() {
    for (int tries = 0; tries < 64; ++tries) {
      if (mutex_.try_lock()) return;
      for (int i = 0; i < 8; ++i) pause();
    }
    mutex_.lock();
  }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  std::mutex mutex_;
};

}  // namespace weir
