#pragma once
/// c servers that share one queue: how many workers a sink needs. One queue for all is better than one each: no item
/// waits while a server is idle.
///
///   a = lambda / mu, rho = a / c
///   B(0) = 1, B(k) = a B(k-1) / (k + a B(k-1))       Erlang B, the stable recursion
///   C = B(c) / (1 - rho (1 - B(c)))                  Erlang C: the share that has to wait
///   Wq = C / (c mu - lambda)                         the mean wait of all
///   P(wait > t) = C exp(-(c mu - lambda) t)
///
/// At rho >= 1 every item waits, counts are infinite and times Duration::max().
///
/// When to choose it: the question is how many workers, connections or threads serve one queue within a promised wait.
///
/// Thread: a value. Cost: O(c) at construction, O(1) then. Ref: Erlang, 1917; Kleinrock, "Queueing Systems", vol. 1,
/// 1975, section 3.5.
#include <weir/base/units.h>

#include <optional>

namespace weir::flow {

class Mmc {
 public:
  /// `service`: what one server completes per second when it is always busy. At least one server.
  Mmc(PerSecond arrivals, PerSecond service, int servers);

  double utilisation() const;
  bool stable() const { return arrivals_ < service_ * servers_; }
  double share_that_waits() const { return waits_; }
  double waiting() const;    ///< Lq
  double in_system() const;  ///< L
  Duration time_waiting() const;
  Duration time_in_system() const;
  /// The wait that a share q of all stay below, q in [0, 1): 0 for those who do not wait.
  Duration time_waiting(double q) const;

 private:
  double arrivals_, service_;
  int servers_;
  double waits_;
};

/// The fewest servers with a mean wait of at most `wait`; absent when `most` are not enough.
std::optional<int> servers_for(PerSecond arrivals, PerSecond service, Duration wait, int most);

}  // namespace weir::flow
