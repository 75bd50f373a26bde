#pragma once
/// A mutex for sections of some tens of nanoseconds that several threads enter all the time. A thread that finds it
/// taken tries again for about two microseconds before it sleeps: falling asleep and being woken costs ten times the
/// section. The first tries follow each other closely, since the section is over before long; the later ones leave the
/// cache line to its owner.
///
/// Not for sections that allocate much, log, call back or wait: there a std::mutex.
///
/// Thread: any; std::lock_guard works with it. Cost: an atomic exchange each to take and to leave it when free, half of
/// std::mutex; taken, at most 16 tries, then a sleep. Ref: Drepper, "Futexes Are Tricky", 2011, its second mutex.
#include <algorithm>
#include <atomic>

namespace weir {

class BriefMutex {
 public:
  void lock() {
    for (int tries = 0; tries < 16; ++tries) {
      if (try_lock()) return;
      for (int i = std::min(tries, 8); i >= 0; --i) pause();
    }
    while (state_.exchange(awaited) != free) state_.wait(awaited);
  }
  bool try_lock() {
    int expected = free;
    return state_.load(std::memory_order_relaxed) == free &&
           state_.compare_exchange_strong(expected, taken, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() {
    if (state_.exchange(free) == awaited) state_.notify_one();
  }

 private:
  static constexpr int free = 0, taken = 1, awaited = 2;  // awaited: taken, and somebody may sleep

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  std::atomic<int> state_{free};
};

}  // namespace weir
