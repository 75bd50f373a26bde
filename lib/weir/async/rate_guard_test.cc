#include <weir/async/limit_guard.h>
#include <weir/async/rate_guard.h>

#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/base/until_for_test.h>
#include <weir/flow/admit/fixed_limit.h>

#include <atomic>
#include <deque>
#include <map>
#include <thread>
#include <vector>

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

/// One rate for all is kept in another way than one for each client.
TEST_F(RateGuardTest, AnArrivalThatBringsMoreThanItSaidOverdrawsOnceAndTheNextWaits) {
  for (const bool with_key : {false, true}) {
    RateGuardConfig config{.limit = {.limit = 100, .burst = 20}, .per = RateUnit::events};
    if (with_key) config.key = per_key(1).key;
    RateGuard guard(config, context);
    const Client client("a");
    const auto try_start = [&](std::uint64_t events) {
      return guard.try_start({.load = {events, {}}, .caller = &client});
    };
    try_start(0)->brought({220, 1_KiB});
    const auto refused = try_start(0);
    ASSERT_FALSE(refused) << with_key;
    EXPECT_EQ(refused.error().retry_after, 2'010ms) << "200 owed at 100 a second, and one more";
    clock.advance(2'010ms);
    auto less = try_start(10);
    ASSERT_FALSE(less);
    clock.advance(90ms);
    less = try_start(10);
    ASSERT_TRUE(less) << with_key;
    less->brought({4, {}});
    less->ok();
    EXPECT_TRUE(try_start(6)) << "what it did not bring is free again";
  }
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

/// Each reads the clock before it has the lock, so some come with a time that is past: nothing is minted twice for it.
TEST_F(RateGuardTest, EightThreadsTogetherPassExactlyTheBurstAndTheRate) {
  RateGuard guard({.limit = {.limit = 1000, .burst = 50}}, context);
  std::atomic<std::uint64_t> passed{0};
  std::atomic<bool> over{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      while (!over)
        if (auto permit = guard.try_start({})) permit->ok(), ++passed;
    });
  std::uint64_t due = 50;
  EXPECT_TRUE(until([&] { return passed >= due; }));
  for (int i = 0; i < 200; ++i) {
    clock.advance(50ms);
    due += 50;
    EXPECT_TRUE(until([&] { return passed >= due; }));
  }
  over = true;
  threads.clear();
  EXPECT_EQ(passed, due);
}

/// A client of a tenant, told apart by two headers.
struct OfTenant final : Caller {
  std::string tenant, key;
  std::string_view header(std::string_view name) const override { return name == "X-Tenant" ? tenant : key; }
};

/// What has passed in the last second at one level, for each of its keys.
struct Passed {
  std::size_t limit;
  std::map<std::string, std::deque<TimePoint>> of{};
  bool is_full(const std::string& key, TimePoint now) {
    auto& times = of[key];
    while (!times.empty() && now - times.front() >= 1s) times.pop_front();
    return times.size() >= limit;
  }
};

/// All, each tenant, each key of a tenant, and how many are under way: an arrival passes where all four have room, and
/// one that does not costs none of them anything. By a log of what passed, which is exact.
TEST_F(RateGuardTest, OfAllATenantAndAKeyEachMustAgreeAndARefusalCostsNoneOfThem) {
  const auto level = [](std::string name, std::uint64_t limit, ClientKey key) {
    return RateGuardConfig{.name = std::move(name),
                           .limit = {.algorithm = flow::RateLimitConfig::Algorithm::sliding_log, .limit = limit},
                           .key = std::move(key),
                           .keys = 100};
  };
  const auto header = [](std::string name) {
    return ClientKey{.of = ClientKey::Of::header, .header = std::move(name)};
  };
  ClientKey both = header("X-Tenant");
  both.with = {header("X-Api-Key")};
  GuardChain chain(4);
  chain.add("all", std::make_unique<RateGuard>(level("all", 20, {}), context));
  chain.add("tenant", std::make_unique<RateGuard>(level("tenant", 10, header("X-Tenant")), context));
  chain.add("key", std::make_unique<RateGuard>(level("key", 4, both), context));
  chain.add("at once", std::make_unique<LimitGuard<flow::FixedLimit>>(flow::FixedLimit({.limit = 6}), context));
  Passed all{20}, tenants{10}, keys{4};
  std::deque<Permit> under_way;
  Rng rng(7);
  std::map<std::string, int> refused_by;
  for (int i = 0; i < 20'000; ++i) {
    clock.advance(from_seconds(0.02 * rng.uniform()));
    const TimePoint now = clock.now();
    OfTenant client;
    client.tenant = std::to_string(rng.below(3));
    client.key = std::to_string(rng.below(4));
    const std::string key = client.tenant + "/" + client.key;
    std::string by;
    if (all.is_full("", now))
      by = "all";
    else if (tenants.is_full(client.tenant, now))
      by = "tenant";
    else if (keys.is_full(key, now))
      by = "key";
    else if (under_way.size() == 6)
      by = "at once";
    auto permit = chain.try_start({.caller = &client});
    ASSERT_EQ(permit.has_value(), by.empty()) << "arrival " << i << ", " << by;
    ++refused_by[by];
    if (permit) {
      under_way.push_back(std::move(*permit));
      all.of[""].push_back(now);
      tenants.of[client.tenant].push_back(now);
      keys.of[key].push_back(now);
    }
    if (!under_way.empty() && rng.below(4) == 0) under_way.front().ok(), under_way.pop_front();
  }
  for (const auto* who : {"", "all", "tenant", "key", "at once"}) EXPECT_GT(refused_by[who], 100) << who;
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
