#include "gateway/endpoints.h"

#include <gtest/gtest.h>

#include <array>

namespace weir::gateway {
namespace {

using namespace std::chrono_literals;
using End = Endpoints::End;
const TimePoint start{1'000'000s};

void fail(Endpoints& endpoints, std::size_t which, int times, TimePoint now) {
  for (int i = 0; i < times; ++i) {
    std::size_t chosen = endpoints.choose(now);
    while (chosen != which) {
      endpoints.done(chosen, End::ignored, now);
      chosen = endpoints.choose(now);
    }
    endpoints.done(which, End::failed, now);
  }
}

TEST(Endpoints, TheLeastBusyOneIsChosenAndEqualsTakeTurns) {
  Endpoints endpoints(3);
  EXPECT_EQ(endpoints.choose(start), 0u);
  EXPECT_EQ(endpoints.choose(start), 1u);
  EXPECT_EQ(endpoints.choose(start), 2u);
  endpoints.done(1, End::answered, start);
  EXPECT_EQ(endpoints.choose(start), 1u);
}

TEST(Endpoints, OneThatSaysItIsFullGetsLessBeforeItIs) {
  Endpoints endpoints(2);
  endpoints.reported(0, 0.75, start);
  std::array<int, 2> got{};
  for (int i = 0; i < 10; ++i) ++got[endpoints.choose(start)];
  EXPECT_EQ(got[0], 2) << "a quarter of the other one's";
  EXPECT_EQ(got[1], 8);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(endpoints.choose(start + 6s), 0u) << "it has said nothing for long";
}

TEST(Endpoints, OneThatFiveHedgesHaveOutrunIsLeftAlone) {
  Endpoints endpoints(2);
  const auto outrun = [&](int times) {
    for (int i = 0; i < times; ++i) {
      endpoints.reported(1, 1, start);
      EXPECT_EQ(endpoints.choose(start), 0u);
      endpoints.done(0, End::outrun, start);
    }
  };
  outrun(4);
  EXPECT_EQ(endpoints.choose(start), 0u);
  endpoints.done(0, End::answered, start);
  outrun(4);
  EXPECT_FALSE(endpoints.is_left_alone(0, start)) << "it has answered meanwhile";
  outrun(1);
  EXPECT_TRUE(endpoints.is_left_alone(0, start));
  EXPECT_FALSE(endpoints.has_other(1, start));
  EXPECT_TRUE(endpoints.has_other(0, start));
  EXPECT_TRUE(endpoints.has_other(1, start + 2s));
}

TEST(Endpoints, WhatIsSaidBeyondFullIsStillSomeRequests) {
  Endpoints endpoints(2);
  endpoints.reported(0, 1e300, start);
  std::array<int, 2> got{};
  for (int i = 0; i < 33; ++i) ++got[endpoints.choose(start)];
  EXPECT_EQ(got[0], 3);
  Endpoints both(2);
  both.reported(0, 1, start);
  both.reported(1, 1, start);
  EXPECT_NE(both.choose(start), both.choose(start)) << "equally full ones take turns";
}

TEST(Endpoints, OneThatIsUnwellGetsNothingWhileThereIsAnother) {
  Endpoints endpoints(2);
  endpoints.checked(0, false);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(endpoints.choose(start), 1u);
  endpoints.checked(1, false);
  EXPECT_EQ(endpoints.choose(start), 0u) << "all are: they are tried nevertheless";
  endpoints.checked(0, true);
  endpoints.checked(1, true);
  EXPECT_EQ(endpoints.choose(start), 0u);
}

TEST(Endpoints, OneThatFailsThreeTimesInARowIsLeftAloneThenTriedWithOneRequest) {
  Endpoints endpoints(3);
  fail(endpoints, 1, 3, start);
  EXPECT_TRUE(endpoints.is_left_alone(1, start));
  for (int i = 0; i < 10; ++i) EXPECT_NE(endpoints.choose(start), 1u);
  const TimePoint later = start + 1100ms;
  EXPECT_EQ(endpoints.choose(later), 1u);
  EXPECT_NE(endpoints.choose(later), 1u) << "one request is under way to show whether it works";
  endpoints.done(1, End::answered, later);
  EXPECT_EQ(endpoints.choose(later), 1u);
}

TEST(Endpoints, WhoFailsItsTrialIsLeftAloneForLonger) {
  Endpoints endpoints(2);
  fail(endpoints, 0, 3, start);
  const TimePoint later = start + 1100ms;
  fail(endpoints, 0, 1, later);
  EXPECT_TRUE(endpoints.is_left_alone(0, later + 1900ms));
  EXPECT_FALSE(endpoints.is_left_alone(0, later + 2100ms));
}

TEST(Endpoints, NeverAreMoreThanHalfLeftAlone) {
  Endpoints endpoints(3);
  for (std::size_t i = 0; i < 3; ++i) fail(endpoints, i, 3, start);
  int alone = 0;
  for (std::size_t i = 0; i < 3; ++i) alone += endpoints.is_left_alone(i, start);
  EXPECT_EQ(alone, 1);
  Endpoints single(1);
  fail(single, 0, 10, start);
  EXPECT_FALSE(single.is_left_alone(0, start));
}

TEST(Endpoints, OneThatRefusesIsLeftAloneAsLongAsItAsked) {
  Endpoints endpoints(2);
  endpoints.refused(0, 5s, start);
  EXPECT_TRUE(endpoints.is_left_alone(0, start + 4s));
  EXPECT_FALSE(endpoints.is_left_alone(0, start + 5s));
  endpoints.refused(1, 5s, start);
  EXPECT_FALSE(endpoints.is_left_alone(1, start)) << "then nobody would be asked";
  const TimePoint later = start + 10s;
  endpoints.refused(1, std::chrono::hours(1), later);
  EXPECT_FALSE(endpoints.is_left_alone(1, later + 61s));
  Endpoints single(1);
  single.refused(0, 5s, start);
  EXPECT_FALSE(single.is_left_alone(0, start));
}

TEST(Endpoints, TheOneThatJustFailedIsAvoidedWhereThereIsAnother) {
  Endpoints endpoints(2);
  EXPECT_EQ(endpoints.choose(start, 0), 1u);
  EXPECT_EQ(endpoints.choose(start, 0), 1u);
  Endpoints single(1);
  EXPECT_EQ(single.choose(start, 0), 0u);
}

TEST(Endpoints, OneThatIsFarSlowerThanTheOthersIsLeftAloneAndLearnedAnew) {
  Endpoints endpoints(3);
  TimePoint now = start;
  const auto answer = [&](Duration of_the_slow_one, int times) {
    for (int i = 0; i < times; ++i)
      for (std::size_t e = 0; e < 3; ++e) endpoints.took(e, e == 1 ? of_the_slow_one : 10ms, now);
  };
  answer(49ms, 40);
  EXPECT_FALSE(endpoints.is_left_alone(1, now)) << "not five times as slow";
  answer(80ms, 40);
  EXPECT_TRUE(endpoints.is_left_alone(1, now));
  EXPECT_EQ(endpoints.all()[1].ejections, 1u);
  now += 2s;
  answer(10ms, 30);
  EXPECT_FALSE(endpoints.is_left_alone(1, now)) << "it has recovered";
  EXPECT_EQ(endpoints.all()[1].ejections, 1u);
}

TEST(Endpoints, AFewSlowAnswersOrAllOfThemSlowAreNoReason) {
  Endpoints endpoints(2);
  for (int i = 0; i < 19; ++i) endpoints.took(1, 500ms, start);
  EXPECT_FALSE(endpoints.is_left_alone(1, start)) << "nothing is known of the other one";
  for (int i = 0; i < 40; ++i)
    for (const std::size_t e : {0, 1}) endpoints.took(e, 500ms, start);
  EXPECT_FALSE(endpoints.is_left_alone(0, start) || endpoints.is_left_alone(1, start));
  Endpoints fast(2);
  for (int i = 0; i < 40; ++i) {
    fast.took(0, 1ms, start);
    fast.took(1, 15ms, start);
  }
  EXPECT_FALSE(fast.is_left_alone(1, start)) << "15 ms harm nobody";
  Endpoints alone(1);
  for (int i = 0; i < 40; ++i) alone.took(0, 10s, start);
  EXPECT_FALSE(alone.is_left_alone(0, start));
}

TEST(Endpoints, OneAnswerHoweverSlowIsNoReason) {
  for (const int known : {0, 1, 19, 40}) {
    Endpoints endpoints(2);
    const auto fast = [&](int times) {
      for (int i = 0; i < times; ++i)
        for (const std::size_t e : {0, 1}) endpoints.took(e, 1ms, start);
    };
    fast(known);
    endpoints.took(1, 1h, start);
    fast(40);
    EXPECT_EQ(endpoints.all()[1].ejections, 0u) << known;
  }
}

TEST(Endpoints, OneThatStaysFarSlowerIsLeftAloneWithinFortyAnswers) {
  Endpoints endpoints(2);
  for (int i = 0; i < 20; ++i)
    for (const std::size_t e : {0, 1}) endpoints.took(e, 1ms, start);
  for (int i = 0; i < 40; ++i) endpoints.took(1, 400ms, start);
  EXPECT_EQ(endpoints.all()[1].ejections, 1u);
}

TEST(Endpoints, OneThatFailsFastDoesNotDrawTheTraffic) {
  Endpoints endpoints(3);
  int at_first = 0;
  for (int i = 0; i < 300; ++i) {
    const auto chosen = endpoints.choose(start + i * 1ms);
    at_first += chosen == 0;
    endpoints.done(chosen, chosen == 0 ? End::failed : End::answered, start + i * 1ms);
  }
  EXPECT_EQ(at_first, Endpoints::failures_to_eject);
}

}  // namespace
}  // namespace weir::gateway
