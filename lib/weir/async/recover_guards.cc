#include <weir/async/recover_guards.h>

namespace weir::async {

Admitted<Permit> BreakerGuard::try_start(const Arrival&) {
  const std::lock_guard lock(mutex_);
  auto permit = breaker_.try_start(context_.now());
  if (!permit) return std::unexpected(permit.error());
  return Permit([this, inner = std::move(*permit)](Report report) mutable { settle(inner, report); });
}

void BreakerGuard::settle(flow::Breaker::Permit& permit, Report report) {
  const std::lock_guard lock(mutex_);
  switch (report.outcome) {
    case Outcome::ok: return permit.ok(context_.now());
    case Outcome::failed: return permit.failed(context_.now());
    case Outcome::refused:
    case Outcome::ignored:
    case Outcome::unused: return permit.ignored();
  }
}

void BreakerGuard::force(flow::Breaker::Mode mode) {
  const std::lock_guard lock(mutex_);
  breaker_.force(mode);
}

void BreakerGuard::reconfigure(const flow::BreakerConfig& config) {
  const std::lock_guard lock(mutex_);
  breaker_.reconfigure(config);
}

flow::BreakerStats BreakerGuard::stats() const {
  const std::lock_guard lock(mutex_);
  return breaker_.stats(context_.now());
}

Admitted<Permit> DestinationGuard::try_start(const Arrival& arrival) {
  using Try = flow::Destination::Try;
  const std::lock_guard lock(mutex_);
  auto attempt = destination_.try_start(arrival.retry ? Try::retry : Try::first, context_.now());
  if (!attempt) return std::unexpected(attempt.error());
  return Permit([this, inner = std::move(*attempt)](Report report) mutable { settle(inner, report); });
}

void DestinationGuard::settle(flow::Destination::Attempt& attempt, Report report) {
  const std::lock_guard lock(mutex_);
  switch (report.outcome) {
    case Outcome::ok: return attempt.ok(context_.now(), report.rest);
    case Outcome::failed: return attempt.failed(context_.now());
    case Outcome::refused: return attempt.refused(report.retry_after, context_.now());
    case Outcome::ignored:
    case Outcome::unused: return attempt.ignored();
  }
}

Duration DestinationGuard::backoff(int failed_attempts_so_far) {
  const std::lock_guard lock(mutex_);
  return destination_.backoff(failed_attempts_so_far);
}

void DestinationGuard::force(flow::Breaker::Mode mode) {
  const std::lock_guard lock(mutex_);
  destination_.force(mode);
}

void DestinationGuard::reconfigure(const flow::DestinationConfig& config) {
  const std::lock_guard lock(mutex_);
  destination_.reconfigure(config);
}

flow::DestinationStats DestinationGuard::stats() const {
  const std::lock_guard lock(mutex_);
  return destination_.stats(context_.now());
}

}  // namespace weir::async
