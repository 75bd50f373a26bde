#pragma once
/// The outside world as a parameter. Engine and connectors read time, draw random numbers and pass crash points through
/// this, so a test (and the simulator) can replace each of them.
///
/// Thread: Context is immutable after construction and shared by all threads; `rng()` derives a fresh seed each call.
/// Cost: now() is one virtual call and clock_gettime (about 25 ns).
#include <weir/base/rng.h>
#include <weir/base/units.h>
#include <weir/base/written_files.h>

#include <atomic>
#include <string_view>

namespace weir {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual WallTime wall() const = 0;
};

/// The machine's clocks. The only place in Weir that reads them.
const Clock& system_clock();

/// A clock that moves only when it is told to.
class ManualClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(Duration(now_.load(std::memory_order_relaxed))); }
  WallTime wall() const override {
    return WallTime(Duration(1'700'000'000'000'000'000 + now_.load(std::memory_order_relaxed) +
                             stepped_.load(std::memory_order_relaxed)));
  }
  void advance(Duration d) { now_.fetch_add(d.count(), std::memory_order_relaxed); }
  /// Sets the wall clock forward, or back.
  void step_wall(Duration d) { stepped_.fetch_add(d.count(), std::memory_order_relaxed); }

 private:
  std::atomic<Duration::rep> stepped_{0};
  std::atomic<Duration::rep> now_{1'000'000'000};  // not 0, so that "never set" cannot pass for "now"
};

/// 64 bits of the system's random source: a process draws its seed there once.
std::uint64_t random_seed();

class Context {
 public:
  explicit Context(const Clock& clock = system_clock(), std::uint64_t seed = 1) : clock_(&clock), seed_(seed) {}
  TimePoint now() const { return clock_->now(); }
  WallTime wall() const { return clock_->wall(); }
  /// What the process writes: its sources do not read that.
  WrittenFiles& written() const { return written_; }
  Rng rng() const { return Rng(seed_.fetch_add(0x632be59bd9b4e019u, std::memory_order_relaxed)); }

 private:
  const Clock* clock_;
  mutable std::atomic<std::uint64_t> seed_;
  mutable WrittenFiles written_;
};

/// A named point at which a test may kill the process: between two steps that a crash may separate only if recovery
/// repairs it. Compiled to nothing unless WEIR_SEAMS is on; then `WEIR_CRASH_AT=name:n` dies at the n-th visit
/// (SIGKILL, so nothing is flushed on the way out).
#ifdef WEIR_SEAMS
void crash_point(std::string_view name);
#else
inline void crash_point(std::string_view) {}
#endif

}  // namespace weir
