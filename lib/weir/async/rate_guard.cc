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
      rates_(places(config), flow::RateLimit(config.limit)) {
  if (config.key.of != ClientKey::Of::none || !flow::WordBucket::fits(config.limit)) return;
  singles_.push_back(std::make_unique<Single>(config.limit));
  single_ = singles_.back().get();
}

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
  const std::uint64_t n = known(arrival.load);
  Single* const single = single_.load(std::memory_order_acquire);
  const std::uint64_t key = single ? 0 : hash_of(config_.key, arrival.caller, secret_);
  const Taken taken = single ? take(*single, n, arrival.quotas) : take_of(key, n, arrival.quotas);
  if (arrival.quotas)
    arrival.quotas->push_back({.name = config_.name,
                               .limit = taken.limit.limit,
                               .window = taken.limit.window,
                               .remaining = taken.answer ? taken.facts.remaining : 0,
                               .reset = taken.answer ? taken.facts.reset : taken.answer.error().retry_after,
                               .of_requests = config_.per == RateUnit::requests});
  if (!taken.answer) return std::unexpected(taken.answer.error());
  return permit(key, n);
}

RateGuard::Taken RateGuard::take(Single& single, std::uint64_t n, bool wants_facts) const {
  const TimePoint now = context_.now();
  flow::WordBucket::Word word = single.word.load(std::memory_order_relaxed);
  while (true) {
    const auto answer = single.bucket.ask(word, n, now);
    if (answer.wait > Duration{0})
      return {.answer = rejected(Reason::rate_limited, answer.wait), .limit = single.limit};
    if (!single.word.compare_exchange_weak(word, answer.next, std::memory_order_relaxed)) continue;
    if (!wants_facts) return {.answer = Duration{0}};
    return {.answer = Duration{0}, .facts = single.bucket.facts(answer.next, now), .limit = single.limit};
  }
}

RateGuard::Taken RateGuard::take_of(std::uint64_t key, std::uint64_t n, bool wants_facts) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = context_.now();
  Taken taken{.answer = rates_.try_overdraw(key, n, now)};
  if (wants_facts) taken.facts = rates_.facts(key, now), taken.limit = config_.limit;
  return taken;
}

/// Of requests it has only to be known that it was not used.
Permit RateGuard::permit(std::uint64_t key, std::uint64_t n) {
  if (config_.per == RateUnit::requests)
    return Permit([this, key](const Report& report) {
      std::uint64_t taken = 1;
      settle(key, taken, report);
    });
  return Permit::of_amounts([this, key, taken = n](const Report& report) mutable { settle(key, taken, report); });
}

std::optional<std::uint64_t> RateGuard::cost_of(const Report& report) const {
  if (report.outcome == Outcome::unused) return 0;
  if (config_.per == RateUnit::requests || !report.brought) return std::nullopt;
  return known(*report.brought);
}

/// `taken`: what it has cost so far.
void RateGuard::settle(std::uint64_t key, std::uint64_t& taken, const Report& report) {
  const auto cost = cost_of(report);
  if (!cost) return;
  if (Single* const single = single_.load(std::memory_order_acquire)) {
    correct(*single, taken, *cost);
  } else {
    const std::lock_guard lock(mutex_);
    const TimePoint now = context_.now();
    if (*cost < taken) rates_.give_back(key, taken - *cost, now);
    if (*cost > taken) rates_.charge(key, *cost - taken, now);
  }
  taken = *cost;
}

void RateGuard::correct(Single& single, std::uint64_t taken, std::uint64_t cost) const {
  if (cost == taken) return;
  const TimePoint now = context_.now();
  flow::WordBucket::Word word = single.word.load(std::memory_order_relaxed), next = word;
  do {
    next = cost < taken ? single.bucket.given_back(word, taken - cost) : single.bucket.charged(word, cost - taken, now);
  } while (!single.word.compare_exchange_weak(word, next, std::memory_order_relaxed));
}

void RateGuard::reconfigure(const flow::RateLimitConfig& limit) {
  const std::lock_guard lock(mutex_);
  if (limit == config_.limit) return;
  config_.limit = limit;
  Single* const was = single_.load(std::memory_order_relaxed);
  if (!was) return rates_.become(flow::RateLimit(limit));
  // Who has just read the old one may still take of it, once.
  const TimePoint now = context_.now();
  const auto facts = was->bucket.facts(was->word.load(std::memory_order_relaxed), now);
  const std::uint64_t used = flow::used_of(facts, limit.at_once());
  if (!flow::WordBucket::fits(limit)) {
    rates_.become(flow::RateLimit(limit));
    rates_.charge(0, used, now);
    return single_.store(nullptr, std::memory_order_release);
  }
  auto& next = singles_.emplace_back(std::make_unique<Single>(limit));
  next->word = next->bucket.charged(flow::WordBucket::full, used, now);
  single_.store(next.get(), std::memory_order_release);
}

std::uint64_t RateGuard::shared() const {
  const std::lock_guard lock(mutex_);
  return rates_.shared();
}

}  // namespace weir::async
