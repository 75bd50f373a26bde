#pragma once
/// A token bucket whose whole state is one word, so that threads can share it by compare-and-exchange and need no lock:
/// `ask` is a pure function of the word, what is asked for and the time, to the answer and the next word.
///
/// The word is when the bucket is full again, in ticks of 1/2^k of the time T of a unit, where k makes a tick shorter
/// than a nanosecond and longer than half of one. A unit is then exactly 2^k ticks, and nothing drifts:
///
///   ticks(t) = floor(t x 2^k / T)
///   n go now if max(0, word - ticks(now)) + n 2^k <= burst 2^k, and then word becomes max(word, ticks(now)) + n 2^k
///
/// A tick that is longer than a nanosecond would let units pass early; with one that is shorter, the answers are those
/// of exact arithmetic to the nanosecond. A word reaches 146 years of uptime.
///
///   asked for more than the burst   it goes when the bucket is full, and the next one waits for what it overdrew
///   charged, given back             as rate_limit.h
///
/// When to choose it: many threads share one rate. One thread, or a rate of each key, is served as well by TokenBucket,
/// which has no bound on bursts (`fits`).
///
/// Thread: a value; the word is the caller's. Cost: a few ns. Ref: ATM Forum TM 4.0, section 4.4.2 (GCRA).
#include <weir/flow/admit/rate_limit.h>

#include <cstdint>
#include <optional>

namespace weir::flow {

class WordBucket {
 public:
  using Word = std::int64_t;
  static constexpr Word full = -(Word{1} << 62);  ///< of a bucket from which nothing was ever taken

  /// A token bucket that is whole again within 36 years.
  static bool fits(const RateLimitConfig& config);
  explicit WordBucket(const RateLimitConfig& config);

  struct Answer {
    Duration wait{0};  ///< 0: it goes, and the state becomes `next`
    Word next = full;
  };
  Answer ask(Word word, std::uint64_t n, TimePoint now) const;
  /// Units that have passed, whatever `ask` would have said.
  Word charged(Word word, std::uint64_t n, TimePoint now) const;
  Word given_back(Word word, std::uint64_t n) const { return word - of(n); }
  RateFacts facts(Word word, TimePoint now) const;

 private:
  __extension__ using Wide = __int128;
  static constexpr int fraction = 62;          // bits of ticks_per_ns_
  static constexpr Word most = Word{1} << 60;  // that is ever added at once

  Word ticks(TimePoint now) const;
  Word of(std::uint64_t n) const { return n > static_cast<std::uint64_t>(most >> shift_) ? most : Word(n << shift_); }
  TimePoint when(Word ticks) const;

  std::uint64_t burst_;
  std::int64_t ticks_per_ns_;  // rounded up, so that a time that was told is long enough
  int shift_;                  // k
};

}  // namespace weir::flow
