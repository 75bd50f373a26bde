#include <weir/flow/admit/early_returns.h>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

struct EarlyReturnsTest : testing::Test {
  EarlyReturns policy{{.clients = 64, .patience = 3, .tolerance = 50ms}};
  TimePoint now{1000s};
  void tell(std::uint64_t key, Duration wait) { policy.told(key, {Reason::flow_full, wait}, now); }
  Duration left(std::uint64_t key) {
    const auto answer = policy.arrive(key, now);
    return answer ? Duration{0} : answer.error().retry_after;
  }
};

TEST_F(EarlyReturnsTest, WhoWasToldNothingIsNotRefused) { EXPECT_TRUE(policy.arrive(1, now)); }

TEST_F(EarlyReturnsTest, WhoComesWhenToldIsNotRefused) {
  tell(1, 4s);
  now += 4s;
  EXPECT_TRUE(policy.arrive(1, now));
  tell(1, 4s);
  now += 3960ms;  // its timer runs a little fast
  EXPECT_TRUE(policy.arrive(1, now));
  EXPECT_EQ(policy.early(), 0u);
}

TEST_F(EarlyReturnsTest, WhoComesBeforeIsToldTheRestAndKeepsItsTime) {
  tell(1, 4s);
  now += 1s;
  EXPECT_EQ(left(1), 3s);
  EXPECT_EQ(policy.arrive(1, now).error().reason, Reason::flow_full);
  EXPECT_TRUE(policy.arrive(2, now)) << "another client";
  now += 3s;
  EXPECT_TRUE(policy.arrive(1, now));
}

TEST_F(EarlyReturnsTest, WhoComesTooOftenBeforeStartsItsTimeAnewUntilItKeepsAway) {
  tell(1, 4s);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(left(1), 4s);
  for (int i = 0; i < 100; ++i) {
    now += 1s;
    EXPECT_EQ(left(1), 4s) << "it never keeps away";
    EXPECT_EQ(policy.arrive(1, now).error().reason, Reason::too_early);
  }
  now += 4s;
  EXPECT_TRUE(policy.arrive(1, now)) << "it has obeyed";
  tell(1, 2s);
  EXPECT_EQ(left(1), 2s) << "and its count begins anew";
  now += 2s;
  EXPECT_TRUE(policy.arrive(1, now));
}

TEST_F(EarlyReturnsTest, WhoWaitsForHalfOfItsTimeEachTimeIsNotHastyAndGetsIn) {
  tell(1, 60s);
  int tries = 0;
  while (!policy.arrive(1, now)) {
    now += 30s;
    ASSERT_LT(++tries, 4);
  }
  tell(1, 60s);
  for (int i = 0; i < 20 && !policy.arrive(1, now); ++i) now += 3s;
  EXPECT_EQ(policy.arrive(1, now).error().reason, Reason::too_early) << "this one is";
}

TEST_F(EarlyReturnsTest, TheTableIsBoundedAndKeepsTheLatestTimes) {
  for (std::uint64_t key = 1; key <= 10'000; ++key) tell(key, std::chrono::seconds(key));
  std::size_t remembered = 0;
  for (std::uint64_t key = 1; key <= 10'000; ++key) remembered += !policy.arrive(key, now);
  EXPECT_EQ(remembered, 64u);
  EXPECT_FALSE(policy.arrive(10'000, now));
}

TEST_F(EarlyReturnsTest, OneThatHammersGetsInNoMoreOftenThanOneThatObeys) {
  int hammering = 0, obeying = 0;
  TimePoint comes = now;
  const TimePoint end = now + 600s;
  for (; now < end; now += 10ms) {
    if (policy.arrive(1, now)) {
      ++hammering;
      tell(1, 5s);
    }
    if (now < comes) continue;
    obeying += policy.arrive(2, now).has_value();
    tell(2, 5s);
    comes = now + 5s;
  }
  EXPECT_EQ(hammering, 1);
  EXPECT_EQ(obeying, 120);
}

}  // namespace
}  // namespace weir::flow
