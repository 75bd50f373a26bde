#pragma once
/// One server, arrivals and service times at random: why a queue explodes long before its server is fully busy.
///
///   rho = lambda / mu        W  = 1 / (mu (1 - rho))         time in system
///   L   = rho / (1 - rho)    Lq = rho^2 / (1 - rho)          in the system; waiting
///   P(time in system > t) = exp(-t / W)
///
/// The latency is 1 / (1 - rho) times the bare service time: 2 x at 50 %, 5 x at 80 %, 100 x at 99 %. Real arrivals
/// come in bursts, which is worse; this is the best case. At rho >= 1 counts are infinite and times Duration::max().
///
/// When to choose it: one worker serves a queue and the question is how busy it may be. The answer is rarely above 80
/// %.
///
/// Thread: a value. Cost: a few operations. Ref: Kleinrock, "Queueing Systems", vol. 1, 1975, ch. 3.
#include <weir/base/units.h>

namespace weir::flow {

class Mm1 {
 public:
  /// `service`: what the server completes per second when it is always busy.
  Mm1(PerSecond arrivals, PerSecond service) : arrivals_(arrivals.value), service_(service.value) {}

  double utilisation() const;
  bool stable() const { return arrivals_ < service_; }
  double waiting() const;    ///< Lq
  double in_system() const;  ///< L
  Duration time_waiting() const;
  Duration time_in_system() const;
  /// The time in system that a share q of all stay below, q in [0, 1).
  Duration time_in_system(double q) const;
  /// time in system / bare service time
  double slowdown() const;

 private:
  double arrivals_, service_;
};

}  // namespace weir::flow
