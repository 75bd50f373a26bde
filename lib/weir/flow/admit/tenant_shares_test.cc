#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/tenant_shares.h>

#include <map>
#include <set>

namespace weir::flow {
namespace {

TEST(TenantSharesTest, TwiceAsManySharesAsTenantsAndWithinWhatThereMayBe) {
  EXPECT_EQ(TenantShares::shares_for(1), 16u);
  EXPECT_EQ(TenantShares::shares_for(64), 128u);
  EXPECT_EQ(TenantShares::shares_for(~0u), FairShares::most_shares);
}

TEST(TenantSharesTest, TenantsThatSendMostHaveAShareOfTheirOwnAmongThousandsOfOthers) {
  TenantShares tenants(64);
  const FairShares idle(64);
  ASSERT_EQ(tenants.own(), 48u);
  Rng rng(1);
  std::vector<std::uint64_t> heavy(5);
  for (auto& key : heavy) key = rng.next();
  std::map<std::uint32_t, std::set<std::uint64_t>> users;  // of each share, lately
  for (int i = 0; i < 200'000; ++i) {
    const bool from_heavy = rng.below(2) == 0;
    const std::uint64_t key = from_heavy ? heavy[rng.below(5)] : rng.next();
    const auto share = tenants.share_of(key, idle);
    ASSERT_LT(share, 64u);
    if (i > 150'000 && from_heavy) users[share].insert(key);
  }
  EXPECT_EQ(users.size(), 5u);
  for (const auto& [share, keys] : users) {
    EXPECT_LT(share, tenants.own());
    EXPECT_EQ(keys.size(), 1u);
  }
}

TEST(TenantSharesTest, FewTenantsHaveAShareEachFromTheirFirstArrival) {
  TenantShares tenants(512);
  const FairShares idle(512);
  Rng rng(2);
  std::map<std::uint64_t, std::uint32_t> share;
  std::set<std::uint32_t> used;
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t key = rng.next();
    share[key] = tenants.share_of(key, idle);
    EXPECT_TRUE(used.insert(share[key]).second);
  }
  for (int round = 0; round < 5000; ++round)
    for (const auto& [key, number] : share) ASSERT_EQ(tenants.share_of(key, idle), number);
}

TEST(TenantSharesTest, APlaceWithItemsWaitingKeepsItsTenantAndOneThatIsIdleIsTakenOver) {
  TenantShares tenants(16);  // 8 places of their own: one set
  FairShares shares(16);
  for (std::uint64_t key = 0; key < 8; ++key) {
    const auto share = tenants.share_of(key, shares);
    ASSERT_LT(share, 8u);
    shares.joined(share, 1);
  }
  for (int i = 0; i < 100; ++i) EXPECT_GE(tenants.share_of(99, shares), 8u);
  const auto first = tenants.share_of(0, shares);
  for (std::uint32_t share = 0; share < 8; ++share)
    if (share != first) shares.left(share, 1);
  std::uint32_t own = 16;
  for (int i = 0; i < 100 && own >= 8; ++i) own = tenants.share_of(99, shares);
  EXPECT_LT(own, 8u);
  EXPECT_NE(own, first);
}

TEST(TenantSharesTest, RefusesTooFewAndTooMany) {
  EXPECT_THROW(TenantShares(15), std::invalid_argument);
  EXPECT_THROW(TenantShares(65'537), std::invalid_argument);
}

/// A thousand tenants of whom one sends fifty times as much as another may: the service has eight places a round.
TEST(TenantSharesTest, OneThatFloodsDoesNotTouchTheOthers) {
  TenantShares tenants(64);
  FairShares shares(64);
  Rng rng(3);
  const std::uint64_t flood = rng.next();
  std::vector<std::uint64_t> others(1000);
  for (auto& key : others) key = rng.next();
  std::map<std::uint32_t, std::vector<bool>> queues;  // of each share: whether the item is of the flood
  std::uint64_t asked = 0, served = 0, turns = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto join = [&](std::uint64_t key) {
      const auto share = tenants.share_of(key, shares);
      if (shares.waiting(share) >= 50) return false;
      shares.joined(share, 1);
      queues[share].push_back(key == flood);
      return true;
    };
    for (int i = 0; i < 50; ++i) join(flood);
    for (int i = 0; i < 4; ++i) {
      ++asked;
      join(others[rng.below(1000)]);
    }
    for (int i = 0; i < 8; ++i) {
      const auto share = shares.next();
      if (!share) break;
      shares.served(*share, 1);
      served += !queues[*share].front();
      queues[*share].erase(queues[*share].begin());
      ++turns;
    }
  }
  EXPECT_EQ(turns, 160'000u) << "nothing is idle";
  EXPECT_GE(static_cast<double>(served), 0.99 * static_cast<double>(asked));
}

}  // namespace
}  // namespace weir::flow
