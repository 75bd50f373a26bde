#pragma once
/// The books of an Edge: how much waits, how much more may enter, the watermarks, the rates and the counters.
/// Everything an Edge knows that does not depend on what waits in it.
///
///   bound(events)    = clamp(service rate x max_wait, floor, bound.events) with max_wait and a known rate, else
///                      bound.events
///   limit(priority)  = bound, or (1 - reserved_for_high) x bound for normal, low and batch; never below one event
///   room(priority)   = limit(priority) - waiting
///
/// The reserved part is the top of the bound: whatever waits counts against every priority.
///
/// Thread: one owner. Cost: O(1), pressure O(priorities).
#include <weir/base/reason.h>
#include <weir/flow/queue/edge_config.h>
#include <weir/flow/queue/pressure.h>
#include <weir/flow/queue/service_meter.h>
#include <weir/flow/queue/watermark.h>

#include <array>

namespace weir::flow {

inline constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::client_gone) + 1;

/// offered = delivered + drained + sum(dropped) + pending, in events, at every moment (semantics G1). What push
/// returned was not offered: it stays its owner's.
struct EdgeStats {
  Load offered, delivered, drained, pending;
  std::array<std::uint64_t, reason_count> dropped{};  ///< events, by Reason
  std::uint64_t pauses = 0, resumes = 0;
  Load max_waiting;             ///< the most that ever waited, in each unit
  std::uint64_t oversized = 0;  ///< events larger than the whole byte bound that entered the empty edge alone
};

class EdgeBook {
 public:
  EdgeBook(const EdgeConfig& config, std::uint64_t floor_events);

  const EdgeConfig& config() const { return config_; }
  void reconfigure(const EdgeConfig& config, std::uint64_t floor_events);
  std::uint64_t floor_events() const { return floor_events_; }

  Load waiting() const { return stats_.pending; }
  Load waiting(Priority priority) const { return by_priority_[static_cast<std::size_t>(priority)]; }
  std::uint64_t bound_events() const { return bound_events_; }
  Load limit(Priority priority) const;
  /// The room there would be for this priority if only `beside` waited.
  Load room_beside(Priority priority, Load beside) const;
  bool has_reserved_part(Priority priority) const {
    return config_.reserved_for_high > 0 && priority >= Priority::high;
  }

  void entered(Priority priority, Load load, TimePoint now);
  void delivered(Priority priority, Load load, TimePoint now);
  void dropped_waiting(Priority priority, Load load, Reason reason, TimePoint now);
  void dropped_arriving(Load load, Reason reason);
  void drained(Priority priority, Load load);
  /// A producer waits for more room than there is.
  void turned_away() { watermarks_.pause(); }
  void served(std::uint64_t events, Duration busy);

  bool paused() const { return watermarks_.paused(); }
  Pressure pressure(Duration oldest_age, TimePoint now) const;
  EdgeStats stats() const;

 private:
  double fill() const;
  void left(Priority priority, Load load);
  void size_bound();

  EdgeConfig config_;
  std::uint64_t floor_events_, bound_events_ = 0;
  std::array<Load, priority_count> by_priority_{};
  Watermark watermarks_;
  ServiceMeter service_;
  GrowthMeter growth_;
  EdgeStats stats_;
};

}  // namespace weir::flow
