#pragma once
/// When the requests of an open load are due: a Poisson process whose rate may change at given times.
///
/// Open: a request is due at its time, whatever has become of those before. A client that waits for each answer before
/// it asks again (a closed loop) slows down with the service and hides what overload does to it. A time that passed
/// while the sender was late stays due, and latency is counted from it ("coordinated omission" is leaving that out).
///
///   hazard   E ~ exponential(1);  the next time t has  integral of rate from the last one to t = E
///
/// Thread: a value. Cost: a logarithm a request. Ref: Schroeder, Wierman, Harchol-Balter, "Open versus closed: a
/// cautionary tale", NSDI 2006.
#include <weir/base/result.h>
#include <weir/base/rng.h>
#include <weir/base/units.h>

#include <optional>
#include <string_view>
#include <vector>

namespace weir::load {

class Arrivals {
 public:
  struct Phase {
    Duration from{0};
    double rate = 0;  ///< a second
  };

  /// "800", or "0:640,8:880,28:640": seconds and the rate from then on, in order of time. 64 at most.
  static Result<std::vector<Phase>> parse(std::string_view text);

  /// From the first phase to `end`; times are counted from the beginning of the load.
  Arrivals(std::vector<Phase> phases, Duration end, std::uint64_t seed)
      : phases_(std::move(phases)), end_(end), rng_(seed) {}

  /// The next time; nothing: the load is over.
  std::optional<Duration> next();

 private:
  std::vector<Phase> phases_;
  Duration end_;
  Rng rng_;
  Duration at_{0};
  std::size_t phase_ = 0;
};

}  // namespace weir::load
