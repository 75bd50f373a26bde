// The bucket that is one word, beside exact arithmetic: what passes, and when what does not pass could.
#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/word_bucket.h>

#include <limits>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
__extension__ using Wide = __int128;

/// In units of 1 / limit of a nanosecond, so that the time of a unit, window / limit, is a whole number.
class Exact {
 public:
  explicit Exact(const RateLimitConfig& config) : config_(config) {}
  Duration ready_in(std::uint64_t n, TimePoint now) const {
    const Wide at = of(now), due = std::max(end_, at) + units(std::min(n, config_.burst)) - units(config_.burst);
    if (due <= at) return Duration{0};
    return Duration(static_cast<Duration::rep>((due - at + config_.limit - 1) / config_.limit));
  }
  void take(std::uint64_t n, TimePoint now) { end_ = std::max(end_, of(now)) + units(n); }
  void give_back(std::uint64_t n) { end_ -= units(n); }

 private:
  Wide of(TimePoint now) const { return Wide{now.time_since_epoch().count()} * config_.limit; }
  Wide units(std::uint64_t n) const { return Wide{n} * config_.window.count(); }
  RateLimitConfig config_;
  Wide end_ = 0;
};

/// A tick is part of a nanosecond, so an answer may be a nanosecond beside the exact one where a unit is no whole
/// number of nanoseconds; never more, however long it goes on.
void expect_like_exact(const RateLimitConfig& config, std::uint64_t seed) {
  const WordBucket bucket(config);
  Exact exact(config);
  WordBucket::Word word = WordBucket::full;
  Rng rng(seed);
  TimePoint now{30 * 24h};
  const auto unit = static_cast<std::uint64_t>(config.window.count()) / config.limit + 1;
  for (int i = 0; i < 20'000; ++i) {
    now += Duration(static_cast<Duration::rep>(rng.below(rng.below(50) == 0 ? unit * config.burst * 3 : unit * 3)));
    const std::uint64_t n = 1 + rng.below(rng.below(20) == 0 ? config.burst * 3 : 3);
    const auto answer = bucket.ask(word, n, now);
    const Duration wait = exact.ready_in(n, now);
    ASSERT_LE(answer.wait, wait + 1ns) << "step " << i << ", seed " << seed;
    ASSERT_GE(answer.wait, wait - 1ns) << "step " << i << ", seed " << seed;
    if (answer.wait > Duration{0}) {
      ASSERT_EQ(bucket.ask(word, n, now + answer.wait).wait, Duration{0}) << "later than it says";
      if (answer.wait > 1ns) ASSERT_GT(bucket.ask(word, n, now + answer.wait - 1ns).wait, Duration{0});
      continue;
    }
    word = answer.next;
    exact.take(n, now);
    if (rng.below(8) != 0) continue;
    const std::uint64_t less = rng.below(n + 1);
    word = bucket.given_back(word, less);
    exact.give_back(less);
  }
}

TEST(WordBucket, AnswersAsExactArithmeticToTheNanosecondHoweverLongItGoesOn) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    expect_like_exact({.limit = 100, .burst = 20}, seed);
    expect_like_exact({.limit = 3, .burst = 7}, seed);
    expect_like_exact({.limit = 1, .window = 24h, .burst = 5}, seed);
    expect_like_exact({.limit = 1'000'000'000, .burst = 1000}, seed);
    expect_like_exact({.limit = 333'333'333, .burst = 100}, seed);
  }
}

TEST(WordBucket, WhatIsAskedForBeyondTheBurstGoesWhenAllOfItIsThereAndTheNextWaits) {
  const WordBucket bucket({.limit = 10, .burst = 5});
  const TimePoint now{1h};
  const auto first = bucket.ask(WordBucket::full, 20, now);
  EXPECT_EQ(first.wait, Duration{0});
  EXPECT_EQ(bucket.ask(first.next, 1, now).wait, 1600ms);
  EXPECT_EQ(bucket.facts(first.next, now), (RateFacts{5, 0, 2s}));
  EXPECT_EQ(bucket.facts(WordBucket::full, now), (RateFacts{5, 5, 0s}));
}

TEST(WordBucket, NoAmountAndNoTimeOverflows) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const WordBucket bucket({.limit = 1, .window = 24h, .burst = 1});
  WordBucket::Word word = WordBucket::full;
  const TimePoint now{10 * 365 * 24h};
  for (int i = 0; i < 10; ++i) word = bucket.charged(word, most, now);
  const Duration wait = bucket.ask(word, most, now).wait;
  EXPECT_GT(wait, 365 * 24h);
  EXPECT_EQ(bucket.facts(word, now).remaining, 0u);
  for (int i = 0; i < 3; ++i) word = bucket.given_back(word, most);
  EXPECT_EQ(bucket.ask(word, 1, now).wait, Duration{0});
}

TEST(WordBucket, OnlyWhatFitsIntoAWordIsOne) {
  EXPECT_TRUE(WordBucket::fits({.limit = 1'000'000'000, .burst = 1'000'000'000'000}));
  EXPECT_FALSE(WordBucket::fits({.limit = 1, .window = 24h, .burst = 1'000'000})) << "27 centuries";
  EXPECT_FALSE(WordBucket::fits({.algorithm = RateLimitConfig::Algorithm::fixed_window, .limit = 5}));
}

}  // namespace
}  // namespace weir::flow
