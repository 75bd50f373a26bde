#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/fair_shares.h>

#include <limits>
#include <numeric>

namespace weir::flow {
namespace {

/// Shares that always have something waiting; how many turns each gets.
std::vector<int> turns(FairShares& fair, const std::vector<std::uint32_t>& weights, int times) {
  std::vector<int> served(weights.size());
  for (std::uint32_t share = 0; share < weights.size(); ++share)
    for (int i = 0; i < 3; ++i) fair.joined(share, weights[share]);
  for (int i = 0; i < times; ++i) {
    const auto share = *fair.next();
    fair.served(share, weights[share]);
    fair.joined(share, weights[share]);
    ++served[share];
  }
  return served;
}

TEST(FairSharesTest, TurnsAreInTheRatioOfTheWeights) {
  const std::vector<std::uint32_t> weights{1, 2, 3, 5, 10};
  FairShares fair(5);
  const auto served = turns(fair, weights, 21'000);
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(served[i], 1000 * static_cast<int>(weights[i]), 30) << i;
}

TEST(FairSharesTest, EqualSharesTakeTurnsOneByOne) {
  FairShares fair(70);
  const auto served = turns(fair, std::vector<std::uint32_t>(70, 1), 700);
  for (const int n : served) EXPECT_EQ(n, 10);
}

TEST(FairSharesTest, OneThatSendsTenTimesItsShareTakesOnlyWhatTheOthersLeave) {
  FairShares fair(3);  // each 1/3 of a service of 3 a round; the first sends 10 a round, the second 1, the third 0.5
  std::vector<int> served(3);
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 10; ++i)
      if (fair.waiting(0) < 50) fair.joined(0, 1);
    fair.joined(1, 1);
    if (round % 2 == 0) fair.joined(2, 1);
    for (int i = 0; i < 3; ++i) {
      const auto share = *fair.next();
      fair.served(share, 1);
      ++served[share];
    }
  }
  EXPECT_GE(served[1], 1990);
  EXPECT_GE(served[2], 995);
  EXPECT_NEAR(served[0], 3000, 20) << "nothing stays idle";
}

TEST(FairSharesTest, WhoWasIdleDoesNotSaveUpTurns) {
  FairShares fair(2);
  for (int i = 0; i < 20; ++i) fair.joined(0, 1);
  for (int i = 0; i < 1000; ++i) {
    fair.served(*fair.next(), 1);
    fair.joined(0, 1);
  }
  const auto served = turns(fair, {1, 1}, 20);
  EXPECT_NEAR(served[1], 10, 1);
}

TEST(FairSharesTest, WhoLeavesPaysNothing) {
  FairShares fair(2);
  for (int i = 0; i < 100; ++i) {
    fair.joined(0, 1);
    fair.left(0, 1);
  }
  const auto served = turns(fair, {1, 1}, 20);
  EXPECT_EQ(served[0], 10);
  EXPECT_EQ(served[1], 10);
}

TEST(FairSharesTest, TheLongestIsTheOneWithMostWaiting) {
  FairShares fair(200);
  EXPECT_FALSE(fair.next());
  EXPECT_FALSE(fair.longest());
  fair.joined(3, 1);
  fair.joined(150, 1);
  fair.joined(150, 1);
  EXPECT_EQ(fair.longest(), 150u);
  EXPECT_EQ(fair.next(), 3u);
  EXPECT_EQ(fair.waiting(), 3u);
}

/// The same arrivals and departures, wherever virtual time begins.
std::vector<std::uint32_t> order(FairShares::Tag begin, std::uint64_t seed) {
  FairShares fair(5, begin);
  Rng rng(seed);
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 5000; ++i) {
    const auto share = static_cast<std::uint32_t>(rng.below(5));
    const auto kind = rng.below(5);
    if (kind < 2) fair.joined(share, share + 1);
    if (kind == 2 && fair.waiting(share) > 0) fair.left(share, share + 1);
    if (kind > 2 && fair.next()) {
      order.push_back(*fair.next());
      fair.served(order.back(), order.back() + 1);
    }
  }
  return order;
}

TEST(FairSharesTest, AnOverflowOfVirtualTimeChangesNothing) {
  constexpr auto most = std::numeric_limits<FairShares::Tag>::max();
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const FairShares::Tag before : {FairShares::Tag{0}, FairShares::Tag{1} << 20, FairShares::Tag{1} << 26})
      ASSERT_EQ(order(most - before, seed), order(0, seed)) << "seed " << seed;
}

TEST(FairSharesTest, RefusesNoSharesAndTooMany) {
  EXPECT_THROW(FairShares(0), std::invalid_argument);
  EXPECT_THROW(FairShares(65'537), std::invalid_argument);
}

}  // namespace
}  // namespace weir::flow
