#include <weir/async/rate_guard.h>

#include <gtest/gtest.h>

#include <map>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct Client final : Caller {
  explicit Client(std::string k) : key(std::move(k)) {}
  std::string key;
  std::string_view header(std::string_view) const override { return key; }
};

struct RateGuardTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  static RateGuardConfig per_key(std::uint64_t limit, std::size_t keys = 100) {
    return {.limit = {.limit = limit, .burst = limit},
            .key = {.of = ClientKey::Of::header, .header = "X-Api-Key"},
            .keys = keys};
  }
  /// How many of `n` arrivals of this client pass now.
  static int passes(Guard& guard, const std::string& key, int n) {
    const Client client(key);
    int passed = 0;
    for (; n > 0; --n)
      if (auto permit = guard.try_start({.caller = &client})) permit->ok(), ++passed;
    return passed;
  }
};

TEST_F(RateGuardTest, RefusesAboveTheRateAndNamesATimeThatHolds) {
  RateGuard guard({.limit = {.limit = 10, .burst = 2}}, context);
  EXPECT_TRUE(guard.try_start({}));
  EXPECT_TRUE(guard.try_start({}));
  const auto refused = guard.try_start({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::rate_limited);
  EXPECT_EQ(refused.error().retry_after, 100ms);
  clock.advance(refused.error().retry_after);
  EXPECT_TRUE(guard.try_start({}));
}

TEST_F(RateGuardTest, OneKeysFloodTakesNothingFromAnother) {
  RateGuard guard(per_key(5), context);
  EXPECT_EQ(passes(guard, "flood", 1000), 5);
  EXPECT_EQ(passes(guard, "calm", 5), 5);
  EXPECT_EQ(passes(guard, "", 1000), 5) << "without the header all share one key";
  clock.advance(1s);
  EXPECT_EQ(passes(guard, "calm", 5), 5);
}

TEST_F(RateGuardTest, AMillionKeysNeverGetMoreThanTheirRateAndNoMemory) {
  RateGuard guard(per_key(2, 64), context);
  std::map<std::string, int> passed;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = std::to_string(i % 4000);
    passed[key] += passes(guard, key, 1);
    if (i % 1000 == 0) clock.advance(1ms);
  }
  for (const auto& [key, n] : passed) EXPECT_LE(n, 2) << key;
  EXPECT_GT(guard.shared(), 0u);
}

TEST_F(RateGuardTest, WhatIsGivenBackUnusedCanBeTakenByTheNext) {
  RateGuard guard({.limit = {.limit = 10, .burst = 1}}, context);
  auto permit = guard.try_start({});
  ASSERT_TRUE(permit);
  EXPECT_FALSE(guard.try_start({}));
  permit->unused();
  EXPECT_TRUE(guard.try_start({}));
}

TEST_F(RateGuardTest, AnArrivalThatBringsMoreThanItSaidOverdrawsOnceAndTheNextWaits) {
  RateGuard guard({.limit = {.limit = 100, .burst = 20}, .per = RateUnit::events}, context);
  guard.try_start({})->brought({220, 1_KiB});
  const auto refused = guard.try_start({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after, 2'010ms) << "200 owed at 100 a second, and one more";
  clock.advance(2'010ms);
  auto less = guard.try_start({.load = {10, {}}});
  ASSERT_FALSE(less);
  clock.advance(90ms);
  less = guard.try_start({.load = {10, {}}});
  ASSERT_TRUE(less);
  less->brought({4, {}});
  less->ok();
  EXPECT_TRUE(guard.try_start({.load = {6, {}}})) << "what it did not bring is free again";
}

TEST_F(RateGuardTest, OneThatIsLargerThanTheBurstStartsWhenTheWholeQuotaIsThere) {
  RateGuard guard({.limit = {.limit = 1000, .burst = 100}, .per = RateUnit::bytes}, context);
  EXPECT_TRUE(guard.try_start({.load = {1, 500_B}}));
  const auto refused = guard.try_start({.load = {1, 500_B}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after, 500ms);
}

TEST_F(RateGuardTest, TellsWhatIsLeftAndWhenOnlyWhereItIsEnforced) {
  GuardChain chain(2);
  chain.add("seen",
            std::make_unique<RateGuard>(RateGuardConfig{.name = "seen", .limit = {.limit = 1, .burst = 1}}, context),
            GuardChain::Mode::observe);
  chain.add("told",
            std::make_unique<RateGuard>(RateGuardConfig{.name = "told", .limit = {.limit = 10, .burst = 2}}, context));
  std::vector<Quota> quotas;
  EXPECT_TRUE(chain.try_start({.quotas = &quotas}));
  ASSERT_EQ(quotas.size(), 1u);
  EXPECT_EQ(quotas[0].name, "told");
  EXPECT_EQ(quotas[0].limit, 10u);
  EXPECT_EQ(quotas[0].window, 1s);
  EXPECT_EQ(quotas[0].remaining, 1u);
  EXPECT_TRUE(chain.try_start({})) << "the observed one refuses nobody";
  quotas.clear();
  EXPECT_FALSE(chain.try_start({.quotas = &quotas}));
  ASSERT_EQ(quotas.size(), 1u);
  EXPECT_EQ(quotas[0].remaining, 0u);
  EXPECT_EQ(quotas[0].reset, 100ms);
}

TEST_F(RateGuardTest, OfSeveralThatMustAgreeARefusalGivesBackWhatTheFirstOnesGave) {
  GuardChain chain(2);
  chain.add("all", std::make_unique<RateGuard>(RateGuardConfig{.name = "all", .limit = {.limit = 100, .burst = 100}},
                                               context));
  chain.add("each", std::make_unique<RateGuard>(per_key(3), context));
  EXPECT_EQ(passes(chain, "flood", 1000), 3);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(passes(chain, std::to_string(i), 5), 3) << "the flood has cost the others nothing";
  EXPECT_EQ(passes(chain, "last", 5), 1) << "100 in all";
  EXPECT_EQ(chain.stats()[0].given_back, 997u + 64u);
}

TEST_F(RateGuardTest, AChangedLimitIsToldAndKeptByClientsThatAreKnown) {
  RateGuard guard(per_key(100), context);
  EXPECT_EQ(passes(guard, "busy", 1000), 100);
  guard.reconfigure({.limit = 10, .burst = 10});
  EXPECT_EQ(passes(guard, "busy", 1000), 0) << "no fresh quota";
  EXPECT_EQ(passes(guard, "new", 1000), 10);
  std::vector<Quota> quotas;
  (void)guard.try_start({.quotas = &quotas});
  EXPECT_EQ(quotas.at(0).limit, 10u);
  clock.advance(1s);
  EXPECT_EQ(passes(guard, "busy", 1000), 10);
  guard.reconfigure({.limit = 200, .burst = 200});
  clock.advance(1s);
  EXPECT_EQ(passes(guard, "busy", 1000), 200);
}

}  // namespace
}  // namespace weir::async
