#pragma once
/// How long to wait before trying again. Growing waits take load off what is failing; random jitter spreads callers
/// that failed together, which would otherwise come back together.
///
///   m = min(cap, base x 2^n), n = 0 before the first retry
///   additive      m + U(0, additive_most)                 may exceed the cap by additive_most
///   full          U(0, m)                                 mean m/2, least work in total
///   equal         m/2 + U(0, m/2)                         never less than half
///   decorrelated  min(cap, U(base, 3 x previous))         previous = base before the first retry
///
/// When to choose it: always, before trying anything again. full unless there is a reason: equal where a wait of almost
/// 0 does harm, decorrelated where callers share no count of attempts, additive where the remote end named the wait.
///
/// Thread: a value. Cost: one draw; decorrelated without a previous wait up to 32.
/// Ref: Brooker, "Exponential backoff and jitter", AWS Architecture Blog 2015; Finagle Backoff.
#include <weir/base/rng.h>
#include <weir/flow/recover/destination_config.h>

namespace weir::flow {

class Backoff {
 public:
  explicit Backoff(const BackoffConfig& config) : config_(checked(config, "backoff")) {}

  /// The wait before retry `n` of an operation (0 is the first; below 0 counts as 0). `previous` is the wait that was
  /// drawn last for it and matters to decorrelated only; 0: not known, a chain of n waits is drawn in its place, which
  /// has the same distribution.
  Duration delay(int n, Duration previous, Rng& rng) const;
  /// m of the formulas.
  Duration ceiling(int n) const;

 private:
  Duration decorrelated(Duration previous, Rng& rng) const;

  BackoffConfig config_;
};

}  // namespace weir::flow
