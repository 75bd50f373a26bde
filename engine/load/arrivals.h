#pragma once
/// When the requests of an open load are due: a process whose rate may change, at given times or all the time.
///
/// Open: a request is due at its time, whatever has become of those before. A client that waits for each answer before
/// it asks again (a closed loop) slows down with the service and hides what overload does to it. A time that passed
/// while the sender was late stays due, and latency is counted from it ("coordinated omission" is leaving that out).
///
///   hazard    the next time t has  integral of rate from the last one to t = E
///   poisson   E ~ exponential(1): users who know nothing of each other
///   constant  E = 1, the first one 1/2: a timer
///   ramp      within a phase from a to b: rate(t) = a + (b - a) x (t - from) / (next from - from)
///
/// Thread: a value. Cost: a logarithm a request. Ref: Schroeder, Wierman, Harchol-Balter, "Open versus closed: a
/// cautionary tale", NSDI 2006.
#include <weir/base/result.h>
#include <weir/base/rng.h>
#include <weir/base/units.h>

#include <optional>
#include <string_view>
#include <vector>

#include "config/load_profile.h"

namespace weir::load {

class Arrivals {
 public:
  using Kind = config::ArrivalKind;
  using Phase = config::LoadPhase;
  static Result<std::vector<Phase>> parse(std::string_view text) { return config::parse_load_profile(text); }
  static Result<Kind> parse_kind(std::string_view name) { return config::parse_arrival_kind(name); }

  /// From the first phase to `end`; times are counted from the beginning of the load.
  Arrivals(std::vector<Phase> phases, Duration end, std::uint64_t seed, Kind kind = Kind::poisson)
      : phases_(std::move(phases)), end_(end), rng_(seed), kind_(kind) {}

  /// The next time; nothing: the load is over.
  std::optional<Duration> next();

 private:
  double draw();

  std::vector<Phase> phases_;
  Duration end_;
  Rng rng_;
  Kind kind_;
  bool begun_ = false;
  Duration at_{0};
  double rest_ = 0;  // of the last time, under a nanosecond: without it a rate would drift
  std::size_t phase_ = 0;
};

/// How many are to be expected until `end`.
double expected_arrivals(const std::vector<Arrivals::Phase>& phases, Duration end);

}  // namespace weir::load
