#include <weir/async/rate_guard.h>

#include <algorithm>

namespace weir::async {
namespace {

std::size_t places(const RateGuardConfig& config) { return config.key.of == ClientKey::Of::none ? 1 : config.keys; }

}  // namespace

std::string_view name(RateUnit unit) {
  constexpr std::array<std::string_view, 3> names{"requests", "events", "bytes"};
  return names[static_cast<std::size_t>(unit)];
}

RateGuard::RateGuard(const RateGuardConfig& config, const Context& context)
    : config_(config),
      context_(context),
      secret_(secret_of(context)),
      rates_(places(config), flow::RateLimit(config.limit)) {}

Bytes RateGuard::footprint(const RateGuardConfig& config) {
  using Table = flow::KeyedRates<flow::RateLimit>;
  const Bytes table = Table::footprint(places(config));
  const Bytes more = flow::RateLimit::footprint(config.limit);  // what a limiter keeps outside of the table
  const std::uint64_t limiters = Table::places_for(places(config));
  return more > Bytes(sizeof(flow::RateLimit)) ? table + more * limiters : table;
}

std::uint64_t RateGuard::known(Load load) const {
  switch (config_.per) {
    case RateUnit::requests: return 1;
    case RateUnit::events: return std::max<std::uint64_t>(load.events, 1);
    case RateUnit::bytes: break;
  }
  return std::max<std::uint64_t>(load.bytes.count(), 1);
}

Admitted<Permit> RateGuard::try_start(const Arrival& arrival) {
  const std::uint64_t key = hash_of(config_.key, arrival.caller, secret_);
  const std::uint64_t n = known(arrival.load);
  flow::RateFacts facts;
  flow::RateLimitConfig limit;
  Admitted<Duration> taken;
  {
    const std::lock_guard lock(mutex_);
    const TimePoint now = context_.now();
    taken = rates_.try_overdraw(key, n, now);
    if (arrival.quotas) facts = rates_.facts(key, now), limit = config_.limit;
  }
  if (arrival.quotas)
    arrival.quotas->push_back({.name = config_.name,
                               .limit = limit.limit,
                               .window = limit.window,
                               .remaining = taken ? facts.remaining : 0,
                               .reset = taken ? facts.reset : taken.error().retry_after,
                               .of_requests = config_.per == RateUnit::requests});
  if (!taken) return std::unexpected(taken.error());
  return Permit::of_amounts([this, key, taken = n](const Report& report) mutable { settle(key, taken, report); });
}

/// `taken`: what it has cost so far.
void RateGuard::settle(std::uint64_t key, std::uint64_t& taken, const Report& report) {
  const bool unused = report.outcome == Outcome::unused;
  if (!unused && (config_.per == RateUnit::requests || !report.brought)) return;
  const std::uint64_t cost = unused ? 0 : known(*report.brought);
  const std::lock_guard lock(mutex_);
  const TimePoint now = context_.now();
  if (cost < taken) rates_.give_back(key, taken - cost, now);
  if (cost > taken) rates_.charge(key, cost - taken, now);
  taken = cost;
}

void RateGuard::reconfigure(const flow::RateLimitConfig& limit) {
  const std::lock_guard lock(mutex_);
  if (limit == config_.limit) return;
  config_.limit = limit;
  rates_.become(flow::RateLimit(limit));
}

std::uint64_t RateGuard::shared() const {
  const std::lock_guard lock(mutex_);
  return rates_.shared();
}

}  // namespace weir::async
