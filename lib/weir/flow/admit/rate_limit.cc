#include <weir/flow/admit/rate_limit.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace weir::flow {
namespace {

using Algorithm = RateLimitConfig::Algorithm;
using Limiter = std::variant<TokenBucket, LeakyBucket, FixedWindow, SlidingCounter, SlidingLog>;

LeakyBucketConfig leaky(const RateLimitConfig& config) {
  return {.rate = config.rate(), .burst = config.burst, .undelayed = config.burst};
}

WindowConfig window(const RateLimitConfig& config) { return {.limit = config.limit, .length = config.window}; }

Limiter made(const RateLimitConfig& config) {
  switch (config.algorithm) {
    case Algorithm::leaky_bucket: return LeakyBucket(leaky(config));
    case Algorithm::fixed_window: return FixedWindow(window(config));
    case Algorithm::sliding_counter: return SlidingCounter(window(config));
    case Algorithm::sliding_log: return SlidingLog(window(config));
    case Algorithm::token_bucket: break;
  }
  return TokenBucket(config.rate(), config.burst);
}

/// The limiters name a rate and a length; what is written is a limit in a window.
std::optional<Unfit> as_written(std::optional<Unfit> unfit) {
  if (unfit && unfit->field == "rate") unfit->field = "limit";
  if (unfit && unfit->field == "length") unfit->field = "window";
  return unfit;
}

}  // namespace

std::string_view name(Algorithm algorithm) {
  constexpr std::array<std::string_view, 5> names{"token_bucket", "leaky_bucket", "fixed_window", "sliding_counter",
                                                  "sliding_log"};
  return names[static_cast<std::size_t>(algorithm)];
}

std::uint64_t RateLimitConfig::at_once() const {
  return algorithm == Algorithm::token_bucket ? burst : algorithm == Algorithm::leaky_bucket ? burst + 1 : limit;
}

std::optional<Unfit> check(const RateLimitConfig& config) {
  if (auto unfit = as_written(check(window(config)))) return unfit;
  switch (config.algorithm) {
    case Algorithm::token_bucket: return as_written(TokenBucket::check(config.rate(), config.burst));
    case Algorithm::leaky_bucket: return as_written(check(leaky(config)));
    default: return std::nullopt;
  }
}

std::uint64_t used_of(const RateFacts& facts, std::uint64_t at_once) {
  if (facts.remaining >= facts.limit) return 0;
  const double used = 1 - static_cast<double>(facts.remaining) / static_cast<double>(facts.limit);
  return std::min(at_once, static_cast<std::uint64_t>(std::ceil(used * static_cast<double>(at_once))));
}

RateLimit::RateLimit(const RateLimitConfig& config)
    : limiter_(made(checked(config, "rate limit"))), at_once_(config.at_once()) {}

Bytes RateLimit::footprint(const RateLimitConfig& config) {
  return config.algorithm == Algorithm::sliding_log ? SlidingLog::footprint(window(config)) : Bytes(sizeof(RateLimit));
}

Duration RateLimit::ready_in(std::uint64_t n, TimePoint now) const {
  return std::visit([&](const auto& limiter) { return limiter.ready_in(n, now); }, limiter_);
}

Duration RateLimit::take(std::uint64_t n, TimePoint now) {
  return std::visit([&](auto& limiter) { return limiter.take(n, now); }, limiter_);
}

void RateLimit::give_back(std::uint64_t n, TimePoint now) {
  std::visit([&](auto& limiter) { limiter.give_back(n, now); }, limiter_);
}

RateFacts RateLimit::facts(TimePoint now) const {
  return std::visit([&](const auto& limiter) { return limiter.facts(now); }, limiter_);
}

void RateLimit::become(const RateLimit& other, TimePoint now) {
  const RateFacts was = facts(now);
  *this = other;
  if (const std::uint64_t used = used_of(was, at_once_); used > 0) charge(used, now);
}

Duration RateLimit::ready_to_overdraw_in(std::uint64_t n, TimePoint now) const {
  return ready_in(std::min(n, at_once_), now);
}

}  // namespace weir::flow
