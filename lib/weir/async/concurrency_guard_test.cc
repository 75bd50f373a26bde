// A limit on requests in flight with a place to wait in before it, shared by tenants. Time is given.
#include <weir/async/concurrency_guard.h>
#include <weir/async/rate_guard.h>

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <thread>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct Tenant final : Caller {
  explicit Tenant(std::string n) : name(std::move(n)) {}
  std::string name;
  std::string_view header(std::string_view) const override { return name; }
};

ConcurrencyGuardConfig fixed(std::uint32_t limit, Duration max_wait = 0ms) {
  return {.limit = {.algorithm = flow::AnyLimitConfig::Algorithm::fixed, .range = {.start = limit}},
          .max_wait = max_wait};
}

/// One that arrived: its permit, and whether its turn has come.
struct One {
  explicit One(Guard& guard, Priority priority = Priority::normal, TimePoint deadline = never,
               const Caller* caller = nullptr)
      : waiter(std::make_unique<Waiter>()) {
    auto admitted =
        guard.try_start({.priority = priority, .deadline = deadline, .caller = caller, .waiter = waiter.get()});
    if (admitted)
      permit = std::move(*admitted);
    else
      refused = admitted.error();
    started = admitted && !waiter->waits();
  }
  bool look() {
    if (started || refused) return started;
    const auto found = waiter->look();
    if (!found) return false;
    if (*found) return started = true;
    refused = found->error();
    permit.unused();
    return false;
  }
  std::unique_ptr<Waiter> waiter;
  Permit permit;
  std::optional<Rejection> refused;
  bool started = false;
};

struct ConcurrencyGuardTest : testing::Test {
  ManualClock clock;
  Context context{clock};
};

TEST_F(ConcurrencyGuardTest, RefusesAboveTheLimitAtOnceAndSpreadsTheTimesToComeBack) {
  ConcurrencyGuard guard(fixed(2), context);
  One first(guard), second(guard);
  ASSERT_TRUE(first.started && second.started);
  clock.advance(100ms);
  first.permit.ok();
  One third(guard);
  ASSERT_TRUE(third.started);
  std::map<Duration, int> told;
  for (int i = 0; i < 40; ++i) {
    const One refused(guard);
    ASSERT_TRUE(refused.refused);
    EXPECT_EQ(refused.refused->reason, Reason::concurrency_limited);
    ++told[refused.refused->retry_after];
  }
  EXPECT_EQ(told[1s], 20) << "two at once, 100 ms each: 20 a second";
  EXPECT_EQ(told[2s], 20);
}

TEST_F(ConcurrencyGuardTest, LetsOneWaitForItsTurnUntilAnotherEnds) {
  ConcurrencyGuard guard(fixed(1, 100ms), context);
  One runs(guard), waits(guard);
  EXPECT_FALSE(waits.look());
  EXPECT_EQ(guard.facts().waiting, 1u);
  clock.advance(5ms);
  runs.permit.ok();
  EXPECT_TRUE(waits.look());
  EXPECT_EQ(guard.facts().in_flight, 1u);
  waits.permit.ok();
  EXPECT_EQ(guard.facts().in_flight, 0u);
}

TEST_F(ConcurrencyGuardTest, RefusesWhoHasWaitedTooLongOrBeyondItsDeadline) {
  ConcurrencyGuard guard(fixed(1, 100ms), context);
  One runs(guard), patient(guard), hurried(guard, Priority::normal, context.now() + 30ms);
  clock.advance(30ms);
  EXPECT_FALSE(hurried.look());
  ASSERT_TRUE(hurried.refused);
  EXPECT_EQ(hurried.refused->reason, Reason::deadline_exceeded);
  clock.advance(70ms);
  EXPECT_FALSE(patient.look());
  ASSERT_TRUE(patient.refused);
  EXPECT_EQ(patient.refused->reason, Reason::concurrency_limited);
  EXPECT_EQ(guard.facts().waiting, 0u);
}

TEST_F(ConcurrencyGuardTest, WhoGoesAwayWhileItWaitsIsNotCountedAndTakesNoPlace) {
  ConcurrencyGuard guard(fixed(8, 1s), context);
  for (int round = 0; round < 1'000; ++round) {
    std::deque<One> running;
    for (int i = 0; i < 8; ++i) running.emplace_back(guard);
    {
      std::deque<One> leaving;
      for (int i = 0; i < 2; ++i) leaving.emplace_back(guard);
      ASSERT_EQ(guard.facts().waiting, 2u);
    }
    ASSERT_EQ(guard.facts().waiting, 0u);
    clock.advance(1ms);
    for (One& one : running) one.permit.ok();
    ASSERT_EQ(guard.facts().in_flight, 0u);
    One next(guard);
    ASSERT_TRUE(next.started);
  }
  EXPECT_EQ(guard.facts().left, 2'000u);
}

TEST_F(ConcurrencyGuardTest, WhoLeavesAfterItsTurnCameGivesThePlaceToTheNext) {
  ConcurrencyGuard guard(fixed(1, 100ms), context);
  One runs(guard), first(guard), second(guard);
  runs.permit.ok();
  first.permit.unused();  // it never looked
  EXPECT_TRUE(second.look());
}

TEST_F(ConcurrencyGuardTest, AHigherPriorityIsCalledFirst) {
  ConcurrencyGuard guard(fixed(1, 100ms), context);
  One runs(guard), batch(guard, Priority::batch), critical(guard, Priority::critical);
  clock.advance(1ms);
  runs.permit.ok();
  EXPECT_TRUE(critical.look());
  EXPECT_FALSE(batch.look());
}

TEST_F(ConcurrencyGuardTest, WhoIsPushedOutIsToldWhy) {
  auto config = fixed(1, 100ms);
  config.max_waiting = 2;
  ConcurrencyGuard guard(config, context);
  One runs(guard), low(guard, Priority::low), other(guard, Priority::low), high(guard, Priority::high);
  EXPECT_FALSE(other.look());
  ASSERT_TRUE(other.refused);
  EXPECT_EQ(other.refused->reason, Reason::priority_shed);
  EXPECT_FALSE(low.look());
  EXPECT_FALSE(low.refused);
}

TEST_F(ConcurrencyGuardTest, WhileNothingEndsAnyMoreWhoComesIsRefusedAtOnceButAPauseIsNoStall) {
  ConcurrencyGuard guard(fixed(1, 2s), context);
  One first(guard);
  clock.advance(10ms);
  first.permit.ok();
  One runs(guard);
  clock.advance(1900ms);
  One waits(guard);
  EXPECT_FALSE(waits.refused) << "it may wait for longer than that";
  waits.permit.unused();
  clock.advance(200ms);
  const One late(guard);
  ASSERT_TRUE(late.refused);
  EXPECT_EQ(late.refused->reason, Reason::destination_stalled);
}

TEST_F(ConcurrencyGuardTest, WhoWaitedInVainLeavesNoPlaceTaken) {
  ConcurrencyGuard guard(fixed(8, 100ms), context);
  for (int round = 0; round < 100; ++round) {
    std::deque<One> running, waiting;
    for (int i = 0; i < 8; ++i) running.emplace_back(guard);
    for (int i = 0; i < 2; ++i) waiting.emplace_back(guard);
    clock.advance(100ms);
    for (One& one : waiting) EXPECT_FALSE(one.look());
    for (One& one : running) one.permit.ok();
    for (One& one : running) one = One(guard);
    for (const One& one : running) ASSERT_TRUE(one.started);
    for (One& one : running) one.permit.ok();
  }
  EXPECT_EQ(guard.facts().in_flight, 0u);
  EXPECT_EQ(guard.facts().waiting, 0u);
}

TEST_F(ConcurrencyGuardTest, InAChainARefusalAfterWaitingGivesTheTokensBack) {
  GuardChain chain(2);
  chain.add("rate",
            std::make_unique<RateGuard>(RateGuardConfig{.limit = {.limit = 2, .window = 1h, .burst = 2}}, context));
  chain.add("concurrency", std::make_unique<ConcurrencyGuard>(fixed(1, 100ms), context));
  One runs(chain);
  {
    One gone(chain);
    ASSERT_FALSE(gone.refused);
    One refused(chain);
    ASSERT_TRUE(refused.refused);
    EXPECT_EQ(refused.refused->reason, Reason::rate_limited);
    gone.permit.unused();
  }
  EXPECT_FALSE(One(chain).refused) << "what the one that left had taken is there again";
}

TEST_F(ConcurrencyGuardTest, OneThatIsObservedHoldsNobodyUp) {
  GuardChain chain(1);
  chain.add("concurrency", std::make_unique<ConcurrencyGuard>(fixed(1, 100ms), context), GuardChain::Mode::observe);
  std::deque<One> all;
  for (int i = 0; i < 10; ++i) all.emplace_back(chain);
  for (const One& one : all) EXPECT_TRUE(one.started);
  EXPECT_EQ(chain.stats()[0].refusals(), 9u);
}

TEST_F(ConcurrencyGuardTest, FailuresLowerAnAdaptiveLimitAndAnswersRaiseItAgain) {
  ConcurrencyGuard guard({.limit = {.range = {.start = 64, .least = 2, .most = 128}}}, context);
  std::deque<std::pair<TimePoint, Permit>> running;  // 10 ms each, and always somebody who wants the next place
  const auto fill = [&] {
    while (auto permit = guard.try_start({})) running.emplace_back(context.now(), std::move(*permit));
  };
  const auto run = [&](Outcome outcome, Duration time) {
    for (const TimePoint end = context.now() + time; context.now() < end; clock.advance(1ms)) {
      while (!running.empty() && running.front().first + 10ms <= context.now()) {
        running.front().second.settle({outcome});
        running.pop_front();
        fill();
      }
      fill();
    }
    return guard.facts().limit.limit;
  };
  const auto after_time_outs = run(Outcome::failed, 1s);
  EXPECT_LE(after_time_outs, 4u);
  EXPECT_GE(run(Outcome::ok, 2s), 4 * after_time_outs);
}

/// A service of 4 slots and 10 ms in virtual time. `flood` sends 50 times a tenth of what it can do, each of nine
/// others half of a tenth, when it likes; nobody comes back. By tenant: served, refused.
std::map<std::string, std::pair<int, int>> ten_tenants(const Context& context, ManualClock& clock, Guard& guard) {
  struct Call {
    std::string tenant;
    std::unique_ptr<One> one;
    TimePoint ends = never;
  };
  std::map<std::string, std::pair<int, int>> served;
  std::deque<Call> calls;
  Rng rng(1);
  const auto arrive = [&](const std::string& name) {
    const Tenant tenant(name);
    calls.push_back({name, std::make_unique<One>(guard, Priority::normal, never, &tenant)});
  };
  for (int ms = 0; ms < 5'000; ++ms, clock.advance(1ms)) {
    for (Call& call : calls)
      if (call.one->started && call.ends <= context.now()) {
        call.one->permit.ok();
        ++served[call.tenant].first;
        call.one.reset();
      }
    std::erase_if(calls, [](const Call& call) { return !call.one; });
    for (int i = 0; i < 2; ++i) arrive("flood");
    for (int i = 0; i < 9; ++i)
      if (rng.below(50) == 0) arrive("tenant" + std::to_string(i));
    for (Call& call : calls) {
      if (call.one->look() && call.ends == never) call.ends = context.now() + (7 + rng.below(7)) * 1ms;
      if (!call.one->refused) continue;
      ++served[call.tenant].second;
      call.one.reset();
    }
    std::erase_if(calls, [](const Call& call) { return !call.one; });
  }
  return served;
}

TEST_F(ConcurrencyGuardTest, ATenantAtFiftyTimesItsShareTakesNothingFromTheOthersAndNothingStaysIdle) {
  auto config = fixed(4, 100ms);
  config.tenant = {.of = ClientKey::Of::header, .header = "X-Tenant"};
  ConcurrencyGuard guard(config, context);
  const auto served = ten_tenants(context, clock, guard);
  int all = 0;
  for (const auto& [tenant, counts] : served) {
    all += counts.first;
    if (tenant != "flood") EXPECT_GE(counts.first * 100, 99 * (counts.first + counts.second)) << tenant;
  }
  EXPECT_GE(all, 1'900) << "of about 2000 that 4 slots can do";
}

TEST_F(ConcurrencyGuardTest, WithoutSharesTheSameFloodTakesNearlyAll) {
  ConcurrencyGuard guard(fixed(4, 100ms), context);
  const auto [served, refused] = ten_tenants(context, clock, guard).at("tenant0");
  EXPECT_LT(served, refused);
}

TEST_F(ConcurrencyGuardTest, WeightsDivideThePlaces) {
  auto config = fixed(1, 1s);
  config.tenant = {.of = ClientKey::Of::header, .header = "X-Tenant"};
  config.weights = {{"gold", 4}};
  ConcurrencyGuard guard(config, context);
  const Tenant gold("gold"), other("other");
  std::deque<One> waiting;
  waiting.emplace_back(guard, Priority::normal, never, &gold);
  for (int i = 0; i < 50; ++i) {
    waiting.emplace_back(guard, Priority::normal, never, &gold);
    waiting.emplace_back(guard, Priority::normal, never, &other);
  }
  int of_gold = 0, of_other = 0;
  for (int served = 0; served < 40; ++served) {
    clock.advance(1ms);
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (waiting[i].look() && !waiting[i].permit.settled()) {
        waiting[i].permit.ok();
        ++(i == 0 || i % 2 == 1 ? of_gold : of_other);
        break;
      }
  }
  EXPECT_EQ(of_gold + of_other, 40);
  EXPECT_NEAR(of_gold, 32, 2);
}

TEST_F(ConcurrencyGuardTest, EightThreadsNeverHaveMoreThanTheLimitAndLeaveNothingBehind) {
  const Context real;
  ConcurrencyGuard guard(fixed(4, 1s), real);
  std::atomic<int> running{0}, most{0}, started{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        Waiter waiter;
        auto permit = guard.try_start({.waiter = i % 3 == t % 3 ? nullptr : &waiter});
        if (!permit || (waiter.waits() && (i % 7 == 0 || !waiter.turn_for(real)))) continue;
        const int now = running.fetch_add(1) + 1;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        ++started;
        running.fetch_sub(1);
        permit->ok();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), 4);
  EXPECT_GT(started.load(), 1'000);
  EXPECT_EQ(guard.facts().in_flight, 0u);
  EXPECT_EQ(guard.facts().waiting, 0u);
}

TEST_F(ConcurrencyGuardTest, AHigherLimitLetsInWhoWaitsAndALowerOneTakesNoPlaceAway) {
  ConcurrencyGuard guard(fixed(1, 1s), context);
  One first(guard), second(guard), third(guard);
  EXPECT_FALSE(second.started || third.started);
  guard.reconfigure(fixed(2).limit, {});
  EXPECT_TRUE(second.look());
  EXPECT_FALSE(third.look());
  guard.reconfigure(fixed(1).limit, {});
  EXPECT_EQ(guard.facts().in_flight, 2u) << "they run on";
  first.permit.ok();
  EXPECT_FALSE(third.look()) << "one is under way, which is the limit now";
  second.permit.ok();
  EXPECT_TRUE(third.look());
  third.permit.ok();
  EXPECT_EQ(guard.facts().in_flight, 0u);
}

}  // namespace
}  // namespace weir::async
