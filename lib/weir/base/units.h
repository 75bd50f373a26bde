#pragma once
/// The quantities Weir counts in. A bare integer never says whether it means events, bytes or nanoseconds; these do.
///
/// Time comes in two kinds. `TimePoint` is monotonic and drives every policy; no code below `async/` can read it, it is
/// passed in (so tests and the simulator control it). `WallTime` is what people and files see; no decision depends on
/// it.
///
/// Thread: values. Cost: as the integers inside.
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string_view>

namespace weir {

using Duration = std::chrono::nanoseconds;

/// A clock without `now()`: its time points can only be passed in.
struct GivenClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<GivenClock, Duration>;
  static constexpr bool is_steady = true;
};
using TimePoint = GivenClock::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

inline constexpr TimePoint never = TimePoint::max();

constexpr double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
constexpr Duration from_seconds(double s) {
  constexpr double most = 9.0e9;  // about 285 years: keeps the cast below defined
  return s >= most ? Duration::max() : Duration(static_cast<Duration::rep>(s * 1e9));
}

/// A number of bytes.
class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::uint64_t n) : n_(n) {}
  constexpr std::uint64_t count() const { return n_; }
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes o) {
    n_ += o.n_;
    return *this;
  }
  constexpr Bytes& operator-=(Bytes o) {
    n_ -= o.n_;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.n_ + b.n_); }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return Bytes(a.n_ - b.n_); }
  friend constexpr Bytes operator*(Bytes a, std::uint64_t k) { return Bytes(a.n_ * k); }

 private:
  std::uint64_t n_ = 0;
};

constexpr Bytes operator""_B(unsigned long long n) { return Bytes(n); }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(n << 10); }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(n << 20); }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(n << 30); }

/// An amount of work: what bounds, credits and counters are kept in. Events and bytes always travel together, because
/// a bound in one of them alone is no bound.
struct Load {
  std::uint64_t events = 0;
  Bytes bytes;

  constexpr bool operator==(const Load&) const = default;
  constexpr bool fits_in(const Load& room) const { return events <= room.events && bytes <= room.bytes; }
  constexpr bool empty() const { return events == 0; }
  constexpr Load& operator+=(const Load& o) {
    events += o.events;
    bytes += o.bytes;
    return *this;
  }
  constexpr Load& operator-=(const Load& o) {
    events -= o.events;
    bytes -= o.bytes;
    return *this;
  }
  friend constexpr Load operator+(Load a, const Load& b) { return a += b; }
  friend constexpr Load operator-(Load a, const Load& b) { return a -= b; }
};

/// Something per second: a service rate, a growth.
struct PerSecond {
  double value = 0;
  constexpr auto operator<=>(const PerSecond&) const = default;
};

/// How important work is to its sender. Decides what is shed first; ageing keeps lower priorities from starving.
enum class Priority : std::uint8_t { batch, low, normal, high, critical };
inline constexpr int priority_count = 5;
inline constexpr std::array<std::string_view, priority_count> priority_names{"batch", "low", "normal", "high",
                                                                             "critical"};
/// `name` is the text of every enum of Weir: as written in the configuration, in JSON and in metrics.
constexpr std::string_view name(Priority priority) { return priority_names[static_cast<std::size_t>(priority)]; }

}  // namespace weir
