#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/shuffle_shard.h>

#include <set>

namespace weir::flow {
namespace {

TEST(ShuffleShardTest, AHandHasDifferentSharesAndEachShareIsDealtEquallyOften) {
  Rng rng(1);
  std::vector<int> dealt(64);
  for (int i = 0; i < 64'000; ++i) {
    const auto cards = deal(rng.next(), 64, 4);
    const std::set<std::uint32_t> different(cards.begin(), cards.begin() + 4);
    ASSERT_EQ(different.size(), 4u);
    for (const auto card : different) {
      ASSERT_LT(card, 64u);
      ++dealt[card];
    }
  }
  for (const int n : dealt) EXPECT_NEAR(n, 4000, 300);
}

TEST(ShuffleShardTest, AsManyCardsAsSharesAreAllOfThem) {
  for (std::uint64_t key = 0; key < 1000; ++key) {
    const auto cards = deal(key * 0x9e3779b97f4a7c15u, 8, 8);
    EXPECT_EQ(std::set<std::uint32_t>(cards.begin(), cards.end()).size(), 8u);
  }
}

TEST(ShuffleShardTest, ATenantThatFloodsHoldsUpNobodyElse) {
  FairShares shares(64);
  Rng rng(2);
  const std::uint64_t flood = rng.next();
  for (int i = 0; i < 4000; ++i) shares.joined(shuffle_shard(flood, shares), 1);
  int held_up = 0;
  for (int i = 0; i < 10'000; ++i) held_up += shares.waiting(shuffle_shard(rng.next(), shares)) > 0;
  EXPECT_LE(held_up, 2);
}

TEST(ShuffleShardTest, OneShareIsEverybodys) {
  const FairShares shares(1);
  EXPECT_EQ(shuffle_shard(123, shares), 0u);
  EXPECT_EQ(shuffle_shard(456, shares, 0), 0u);
}

}  // namespace
}  // namespace weir::flow
