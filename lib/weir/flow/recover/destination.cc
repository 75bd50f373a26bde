#include <weir/flow/recover/destination.h>
#include <weir/flow/recover/later.h>

#include <algorithm>

namespace weir::flow {

Destination::Attempt& Destination::Attempt::operator=(Attempt&& o) noexcept {
  if (this == &o) return *this;
  ignored();
  destination_ = std::exchange(o.destination_, nullptr);
  permit_ = std::move(o.permit_);
  return *this;
}

Destination* Destination::Attempt::take() {
  if (destination_) --destination_->counts_.in_flight;
  return std::exchange(destination_, nullptr);
}

void Destination::Attempt::ok(TimePoint now, Duration rest) {
  auto* destination = take();
  if (!destination) return;
  permit_.ok(now);
  ++destination->counts_.ok;
  destination->refusals_since_ok_ = 0;
  destination->rest_ = rest;
  destination->rest_until_ = rest > Duration{0} ? later(destination->last_start_, rest) : TimePoint{};
}

void Destination::Attempt::failed(TimePoint now) {
  auto* destination = take();
  if (!destination) return;
  permit_.failed(now);
  ++destination->counts_.failures;
  destination->counts_.last_error_at = now;
}

void Destination::Attempt::refused(Duration retry_after, TimePoint now) {
  auto* destination = take();
  if (!destination) return;
  permit_.ignored();
  ++destination->counts_.refusals;
  destination->hold(retry_after, now);
}

void Destination::Attempt::ignored() {
  if (take()) permit_.ignored();
}

Destination::Destination(const DestinationConfig& config, std::uint64_t seed)
    : breaker_(checked(config, "destination").breaker),
      backoff_(config.backoff),
      budget_(config.retry_budget),
      rng_(seed) {}

Admitted<Destination::Attempt> Destination::try_start(Try which, TimePoint now) {
  const auto held_back = [this](Rejection why) {
    ++counts_.held_back;
    return std::unexpected(why);
  };
  if (const auto until = std::max(counts_.hold_until, rest_until_); now < until)
    return held_back({Reason::destination_hold, until - now});
  auto permit = breaker_.try_start(now);
  if (!permit) return held_back(permit.error());
  // Without a token the permit is destroyed here: a probe of a half-open breaker is given back.
  if (which == Try::retry && !budget_.try_retry(now))
    return held_back({Reason::retry_budget_empty, budget_.time_to_token(now)});
  if (which == Try::first) budget_.on_attempt(now);
  last_start_ = now;
  if (rest_ > Duration{0}) rest_until_ = later(now, rest_);
  ++counts_.attempts;
  ++counts_.in_flight;
  counts_.retries += which == Try::retry;
  return Attempt(this, std::move(*permit));
}

void Destination::hold(Duration retry_after, TimePoint now) {
  if (retry_after <= Duration{0}) retry_after = backoff(refusals_since_ok_ + 1);
  refusals_since_ok_ = std::min(refusals_since_ok_ + 1, 62);  // doubles no further
  counts_.hold_until = std::max(counts_.hold_until, later(now, retry_after));
}

Duration Destination::backoff(int failed_attempts_so_far) {
  return backoff_.delay(std::max(failed_attempts_so_far, 1) - 1, Duration{0}, rng_);
}

void Destination::reconfigure(const DestinationConfig& config) {
  refuse(check(config), "destination");  // before anything changes
  breaker_.reconfigure(config.breaker);
  backoff_ = Backoff(config.backoff);
  budget_.reconfigure(config.retry_budget);
}

DestinationStats Destination::stats(TimePoint now) const {
  DestinationStats out = counts_;
  const auto breaker = breaker_.stats(now);
  out.breaker = breaker.state;
  out.opened = breaker.opened;
  out.next_probe_at = breaker.next_probe_at;
  return out;
}

}  // namespace weir::flow
