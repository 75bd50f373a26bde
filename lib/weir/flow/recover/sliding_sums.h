#pragma once
/// What was counted during the last `window`, in fixed memory: a ring of 20 slots and the one that is being filled.
///
/// A sum covers at least the window and at most a twentieth more, so a limit of "n per window" kept by it holds over
/// every window, not only over those that start at a slot.
///
/// Thread: one owner. Cost: O(1) amortised, at most 21 slots after a pause; 168 bytes a kind.
/// A time before the last one counts as the last one.
#include <weir/base/units.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::flow {

template <std::size_t Kinds>
class SlidingSums {
 public:
  static constexpr std::int64_t slots = 20;

  explicit SlidingSums(Duration window) : width_(std::max(window / slots, Duration{1})) {}

  /// Forgets what is older than the window.
  void advance(TimePoint now) {
    const std::int64_t target = now.time_since_epoch() / width_;
    if (target - slot_ > slots) {
      clear();
      slot_ = target;
    }
    while (slot_ < target) forget(++slot_);
  }
  void add(std::size_t kind, TimePoint now) {
    advance(now);
    ++ring_[index(slot_)][kind];
    ++totals_[kind];
  }
  /// As of the last advance.
  std::uint64_t total(std::size_t kind) const { return totals_[kind]; }
  /// The next time at which something may be forgotten.
  TimePoint next_slot() const { return TimePoint((slot_ + 1) * width_); }
  void clear() {
    ring_ = {};
    totals_ = {};
  }

 private:
  using Counts = std::array<std::uint64_t, Kinds>;
  static std::size_t index(std::int64_t slot) { return static_cast<std::size_t>(slot % (slots + 1)); }
  void forget(std::int64_t slot) {
    Counts& old = ring_[index(slot)];
    for (std::size_t kind = 0; kind < Kinds; ++kind) totals_[kind] -= old[kind];
    old = {};
  }

  Duration width_;
  std::int64_t slot_ = 0;  // times are counted from the clock's zero, never before it
  std::array<Counts, slots + 1> ring_{};
  Counts totals_{};
};

}  // namespace weir::flow
