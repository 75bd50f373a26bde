#pragma once
/// flow's Breaker and Destination as guards: shared by all threads, told the time by a Context.
///
/// A Permit's report becomes theirs: ok, failed and ignored as they are. `refused` holds a Destination back for as long
/// as the remote end said; a Breaker takes it for ignored. `unused` is ignored for both: it never reached the remote
/// end. A probe of a half-open breaker that is given back may be taken by the next one.
///
/// The modes of the breaker itself (forced open, observe) differ from observing in a GuardChain: there the whole guard
/// only counts, hold and retry budget included.
///
/// Thread: any. Cost: the policy's, two locks (start, report) of about 20 ns and one allocation. On cancel: a permit
/// that is destroyed is ignored. It must not outlive its guard (checked).
#include <weir/async/guard.h>
#include <weir/base/context.h>
#include <weir/flow/recover/destination.h>

#include <mutex>

namespace weir::async {

class BreakerGuard final : public Guard {
 public:
  BreakerGuard(const flow::BreakerConfig& config, const Context& context) : context_(context), breaker_(config) {}

  [[nodiscard]] Admitted<Permit> try_start(const Arrival& arrival) override;
  void force(flow::Breaker::Mode mode);
  void reconfigure(const flow::BreakerConfig& config);
  flow::BreakerStats stats() const;

 private:
  void settle(flow::Breaker::Permit& permit, Report report);

  const Context& context_;
  mutable std::mutex mutex_;
  flow::Breaker breaker_;
};

class DestinationGuard final : public Guard {
 public:
  /// The seed drives the jitter of its backoff.
  DestinationGuard(const flow::DestinationConfig& config, const Context& context, std::uint64_t seed)
      : context_(context), destination_(config, seed) {}

  const Context& context() const { return context_; }
  /// Arrival::retry draws on the retry budget.
  [[nodiscard]] Admitted<Permit> try_start(const Arrival& arrival) override;
  /// The wait before the next attempt of an operation that failed so many times, jittered.
  Duration backoff(int failed_attempts_so_far);
  void force(flow::Breaker::Mode mode);
  void reconfigure(const flow::DestinationConfig& config);
  flow::DestinationStats stats() const;

 private:
  void settle(flow::Destination::Attempt& attempt, Report report);

  const Context& context_;
  mutable std::mutex mutex_;
  flow::Destination destination_;
};

}  // namespace weir::async
