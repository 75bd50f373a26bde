#pragma once
/// One server whose service always takes the same time, arrivals at random: half of M/M/1's waiting (mm1.h), because
/// only the arrivals vary.
///
///   rho = lambda / mu
///   Wq  = rho / (2 mu (1 - rho))        Lq = rho^2 / (2 (1 - rho))       waiting
///   W   = Wq + 1 / mu                   L  = Lq + rho                    in the system
///
/// This is Pollaczek and Khinchine's formula, Wq = rho / (mu (1 - rho)) x (1 + cv^2) / 2, without variation of the
/// service time (cv = 0); cv = 1 is M/M/1. At rho >= 1 counts are infinite and times Duration::max().
///
/// When to choose it: a batch of one size, a rate limiter or a link whose work never varies serves a queue.
///
/// Thread: a value. Cost: a few operations. Ref: Kleinrock, "Queueing Systems", vol. 1, 1975, section 5.6.
#include <weir/base/units.h>

namespace weir::flow {

class Md1 {
 public:
  /// `service`: what the server completes per second when it is always busy.
  Md1(PerSecond arrivals, PerSecond service) : arrivals_(arrivals.value), service_(service.value) {}

  double utilisation() const;
  bool stable() const { return arrivals_ < service_; }
  double waiting() const;    ///< Lq
  double in_system() const;  ///< L
  Duration time_waiting() const;
  Duration time_in_system() const;

 private:
  double arrivals_, service_;
};

}  // namespace weir::flow
