#pragma once
/// Rates that work waits for: of a sink, so that its destination gets no more than it can take, and of a source that
/// can only wait. Who waits for one holds what it wants to start, so the queue behind it fills and what happens there
/// when it is full (block, spill, refuse) is what happens to load above the rate.
///
///   at_most     what may go in one piece: never more than passes at once, or a burst would be exceeded by its size
///   try_take    0: taken, of all rates. Otherwise nothing is taken, and the time until it can be
///   least_time  what so much takes at the rate: the sustained cost of work, for the meter of the service rate
///
/// A rate may have a key (a field of the events): then each of its keys has the rate for itself, and events are asked
/// for one by one (`by_event`). Order is kept: an event whose key is above its rate holds up those behind it.
///
/// A piece that is larger than ever passes at once (one event larger than a burst in bytes) goes when the whole burst
/// is there, and the next one waits for what it overdrew. A rate that is only observed counts what would have had to
/// wait and holds nothing up. A rate that a reload changes begins with nothing to spend, so that a change is never a
/// burst.
///
/// Thread: any; one lock. Cost: a lock and about 10 ns a rate, with a key what hashing it costs; nothing where there is
/// none. Memory: async::RateGuard::footprint for each rate with a key.
#include <weir/flow/admit/keyed_rates.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "config/guards.h"
#include "pipeline/report/status.h"

namespace weir::pipeline {

/// What is about to start. `calls` are deliveries: of a sink only.
struct PacedLoad {
  Load load;
  std::uint64_t calls = 0;
};

class Pace {
 public:
  /// `secret`: what keys are hashed with.
  explicit Pace(const config::Guards& guards, const KeyHash& secret = {});

  bool none() const { return none_.load(std::memory_order_relaxed); }
  /// Some rate has a key: a piece is one event, and `caller` knows it.
  bool by_event() const { return by_event_.load(std::memory_order_relaxed); }
  Load at_most(Load most) const;
  Duration try_take(const PacedLoad& piece, TimePoint now, const async::Caller* caller = nullptr);
  /// It did not start.
  void give_back(const PacedLoad& piece, TimePoint now, const async::Caller* caller = nullptr);
  Duration least_time(const PacedLoad& piece) const;
  /// The rate that something waits for, or did until a second ago: "5000 events/s". Empty: none.
  std::string holds_up(TimePoint now) const;
  std::vector<GuardStatus> status() const;
  void reconfigure(const config::Guards& guards, TimePoint now);

 private:
  struct Line {
    explicit Line(const config::Rate& rate);
    std::uint64_t units(const PacedLoad& piece) const;
    config::Rate rate;
    flow::KeyedRates<flow::RateLimit> limits;
    GuardStatus status;
    TimePoint held_until{};  // when what had to wait last can pass
  };
  std::uint64_t key_of(const Line& line, const async::Caller* caller) const;
  void look_for_keys();

  const KeyHash secret_;
  std::atomic<bool> none_, by_event_{false};
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace weir::pipeline
