#include <weir/flow/admit/word_bucket.h>

#include <algorithm>

namespace weir::flow {
namespace {

/// The least k with limit x 2^k >= window: a tick is no longer than a nanosecond.
int shift_of(const RateLimitConfig& config) {
  int shift = 0;
  while (shift < 60 && (config.limit << shift) < static_cast<std::uint64_t>(config.window.count())) ++shift;
  return shift;
}

}  // namespace

bool WordBucket::fits(const RateLimitConfig& config) {
  return config.algorithm == RateLimitConfig::Algorithm::token_bucket &&
         config.limit <= static_cast<std::uint64_t>(config.window.count()) &&
         config.burst <= static_cast<std::uint64_t>(most >> shift_of(config));
}

WordBucket::WordBucket(const RateLimitConfig& config) : burst_(config.burst), shift_(shift_of(config)) {
  refuse(check(config), "rate limit");
  WEIR_CHECK(fits(config));
  const Wide window = config.window.count();
  ticks_per_ns_ =
      static_cast<std::int64_t>(((static_cast<Wide>(config.limit << shift_) << fraction) + window - 1) / window);
}

WordBucket::Word WordBucket::ticks(TimePoint now) const {
  return static_cast<Word>(Wide{now.time_since_epoch().count()} * ticks_per_ns_ >> fraction);
}

/// The first nanosecond at which `ticks` says so many.
TimePoint WordBucket::when(Word ticks) const {
  const Wide ns = ((Wide{ticks} << fraction) + ticks_per_ns_ - 1) / ticks_per_ns_;
  return TimePoint(Duration(static_cast<Duration::rep>(std::min<Wide>(ns, Duration::max().count()))));
}

WordBucket::Answer WordBucket::ask(Word word, std::uint64_t n, TimePoint now) const {
  const Word at = ticks(now), end = std::max(word, at), due = end + of(std::min(n, burst_)) - of(burst_);
  if (due > at) return {std::max(when(due) - now, Duration{1}), word};
  return {Duration{0}, end + of(n)};
}

WordBucket::Word WordBucket::charged(Word word, std::uint64_t n, TimePoint now) const {
  const Word at = ticks(now);
  return std::min(std::max(word, at) + of(n), at + 2 * most);
}

RateFacts WordBucket::facts(Word word, TimePoint now) const {
  const Word ahead = std::max<Word>(0, word - ticks(now)), all = of(burst_);
  return {burst_, ahead < all ? static_cast<std::uint64_t>((all - ahead) >> shift_) : 0,
          ahead > 0 ? std::max(when(word) - now, Duration{1}) : Duration{0}};
}

}  // namespace weir::flow
