#pragma once
/// Work laid end to end at a fixed rate: each unit takes T = 1 / rate, and begins when the one before it has ended, or
/// now. How far the schedule is ahead of the clock is all that a bucket has to remember (the generic cell rate
/// algorithm); which lead is allowed, and what happens beyond it, is for the bucket to say.
///
///   ahead = max(0, end - now);   n more: end = max(now, end) + n T
///
/// Time is kept in picoseconds of 128 bits: rates of millions a second do not drift, and nothing a bucket allows
/// overflows (T is at most 9 x 10^18 ps, an amount at most 10^15).
///
/// Thread: a value; its owner guards it. Cost: a few ns.
/// Ref: ATM Forum TM 4.0, section 4.4.2 (virtual scheduling).
#include <weir/base/checked.h>

#include <algorithm>
#include <cstdint>

namespace weir::flow {

class VirtualSchedule {
 public:
  __extension__ using Picoseconds = __int128;
  static constexpr std::uint64_t most_units = 1'000'000'000'000'000;

  /// A rate above 0 and at most 10^9 a second.
  [[nodiscard]] static std::optional<Unfit> check(PerSecond rate);
  explicit VirtualSchedule(PerSecond rate);

  Picoseconds of(std::uint64_t units) const { return interval_ * units; }
  std::uint64_t units_in(Picoseconds time) const { return static_cast<std::uint64_t>(time / interval_); }
  Picoseconds ahead(TimePoint now) const { return std::max<Picoseconds>(0, end_ - at(now)); }
  void add(std::uint64_t units, TimePoint now) { end_ = std::max(at(now), end_) + of(units); }
  /// They did not happen after all. What lies in the past stays free: nobody gains by it.
  void take_back(std::uint64_t units) { end_ -= of(units); }

  /// Rounded up, at most Duration::max().
  static Duration duration(Picoseconds time);

 private:
  static Picoseconds at(TimePoint now) { return static_cast<Picoseconds>(now.time_since_epoch().count()) * 1000; }

  Picoseconds interval_;
  Picoseconds end_;
};

}  // namespace weir::flow
