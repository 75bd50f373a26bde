#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/keyed_rates.h>
#include <weir/flow/admit/sliding_log.h>
#include <weir/flow/admit/token_bucket.h>

#include <map>

#include "rates_for_test.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(KeyedRates, GivesEachKeyItsOwnQuota) {
  KeyedRates<TokenBucket> table(1000, TokenBucket({1}, 2));
  for (std::uint64_t key = 1; key <= 5; ++key) {
    EXPECT_TRUE(table.try_take(key, 2, at(0)));
    EXPECT_FALSE(table.try_take(key, 1, at(0)));
  }
  table.give_back(3, 1, at(0));
  EXPECT_TRUE(table.try_take(3, 1, at(0)));
  EXPECT_EQ(table.facts(4, at(0)).remaining, 0u);
  EXPECT_EQ(table.facts(77, at(0)).remaining, 2u);
  EXPECT_EQ(table.shared(), 0u);
}

TEST(KeyedRates, AKeyThatIsPushedOutNeverComesBackWithAFreshQuota) {
  // An exact limiter, a table that is far too small, and an oracle that remembers every key.
  Rng rng(7);
  KeyedRates<SlidingLog> table(16, SlidingLog({3, 1s}));
  std::map<std::uint64_t, SlidingLog> oracle;
  std::uint64_t passed = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double when = i * 0.002;
    const std::uint64_t key = rng.below(10) < 5 ? rng.below(4) : rng.below(200);
    auto& own = oracle.try_emplace(key, WindowConfig{3, 1s}).first->second;
    if (!table.try_take(key, 1, at(when))) continue;
    ++passed;
    ASSERT_TRUE(try_take(own, 1, at(when))) << "key " << key << " at " << when;
  }
  EXPECT_GT(table.shared(), 1000u) << "the table was never full: nothing was tried";
  EXPECT_GT(passed, 5000u);
}

TEST(KeyedRates, TakesOverThePlacesOfKeysThatOweNothing) {
  KeyedRates<TokenBucket> table(8, TokenBucket({1}, 1));
  for (std::uint64_t key = 0; key < 8; ++key) EXPECT_TRUE(table.try_take(key, 1, at(0)));
  EXPECT_TRUE(table.try_take(8, 1, at(0))) << "the shared one";
  EXPECT_FALSE(table.try_take(9, 1, at(0))) << "the shared one again";
  EXPECT_EQ(table.shared(), 2u);
  for (std::uint64_t key = 10; key < 18; ++key) EXPECT_TRUE(table.try_take(key, 1, at(2)));
  EXPECT_EQ(table.shared(), 2u);
}

TEST(KeyedRates, NeverGrowsHoweverManyKeysCome) {
  KeyedRates<TokenBucket> table(100'000, TokenBucket({10}, 10));
  EXPECT_LE(KeyedRates<TokenBucket>::footprint(100'000).count(), 32u << 20);
  EXPECT_EQ(table.capacity(), 131'072u);
  Rng rng(3);
  for (int i = 0; i < 300'000; ++i) (void)table.try_take(rng.next(), 1, at(i * 1e-6));
  EXPECT_EQ(table.capacity(), 131'072u);
}

}  // namespace
}  // namespace weir::flow
