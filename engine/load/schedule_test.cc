#include "load/schedule.h"

#include <gtest/gtest.h>

#include <map>

namespace weir::load {
namespace {

using namespace std::chrono_literals;
using Kind = Persistence::Kind;

constexpr TimePoint t0{1s};
constexpr Outcome good{.status = 200}, refused{.status = 503, .retry_after = 300ms};

Stream stream(std::string_view rate, Kind kind = Kind::none, int tries = 3) {
  Stream s;
  s.phases = Arrivals::parse(rate).value();
  s.arrivals = Arrivals::Kind::constant;
  s.persistence = {.kind = kind, .tries = tries};
  s.deadline = 1s;
  s.variants = {{.label = "a", .request = "x"}};
  return s;
}

TEST(ScheduleTest, StartsEachAttemptWhenItIsDueAndCountsHowLateItsSenderIs) {
  Schedule schedule({stream("10")}, 1s, 1000, 1);
  schedule.begin(t0);
  EXPECT_EQ(schedule.next(), t0 + 50ms);
  EXPECT_FALSE(schedule.start(t0 + 49ms));
  const auto first = schedule.start(t0 + 60ms);
  ASSERT_TRUE(first);
  EXPECT_EQ(schedule.at(*first).lag, Duration{10ms});
  EXPECT_FALSE(schedule.start(t0 + 60ms));
  const auto second = schedule.start(t0 + 150ms);  // the first one is still under way
  ASSERT_TRUE(second);
  EXPECT_EQ(schedule.at(*second).first_due, t0 + 150ms);
  EXPECT_EQ(schedule.under_way(), 2u);
}

TEST(ScheduleTest, WhatPassedWhileTheSenderSleptIsStillDue) {
  Schedule schedule({stream("100")}, 1s, 1000, 1);
  schedule.begin(t0);
  int started = 0;
  while (schedule.start(t0 + 2s)) ++started;
  EXPECT_EQ(started, 100);
}

TEST(ScheduleTest, AnAttemptExpiresItsDeadlineAfterItWasDueHoweverLateItWasSent) {
  Schedule schedule({stream("10")}, 1s, 1, 1);
  schedule.begin(t0);
  const auto id = schedule.start(t0 + 500ms);
  ASSERT_TRUE(id);
  EXPECT_EQ(schedule.next(), t0 + 1050ms);
  EXPECT_FALSE(schedule.expired(t0 + 1049ms));
  EXPECT_EQ(schedule.expired(t0 + 1050ms), id);
  EXPECT_TRUE(schedule.ended(*id, {.end = Outcome::End::left}, t0 + 1050ms));
  EXPECT_FALSE(schedule.expired(t0 + 9s));
  EXPECT_TRUE(schedule.over());
}

TEST(ScheduleTest, ASlotThatIsUsedAgainDoesNotExpireForTheOneBefore) {
  Schedule schedule({stream("10")}, 1s, 2, 1);
  schedule.begin(t0);
  const auto first = schedule.start(t0 + 50ms);
  schedule.ended(*first, good, t0 + 60ms);
  const auto second = schedule.start(t0 + 150ms);
  ASSERT_EQ(first, second);
  EXPECT_FALSE(schedule.expired(t0 + 1050ms));
  EXPECT_TRUE(schedule.expired(t0 + 1150ms));
}

TEST(ScheduleTest, ARefusedClientComesBackAndItsCallCountsFromItsFirstAttempt) {
  Schedule schedule({stream("1", Kind::retry_after)}, 10s, 1, 1);
  schedule.begin(t0);
  const auto first = schedule.start(t0 + 500ms);
  EXPECT_FALSE(schedule.ended(*first, refused, t0 + 600ms));
  EXPECT_FALSE(schedule.over());
  EXPECT_FALSE(schedule.start(t0 + 899ms));
  const auto again = schedule.start(t0 + 900ms);
  ASSERT_TRUE(again);
  EXPECT_EQ(schedule.at(*again).number, 2);
  EXPECT_EQ(schedule.at(*again).call, 0u);
  EXPECT_EQ(schedule.at(*again).first_due, t0 + 500ms);
  EXPECT_EQ(schedule.at(*again).due, t0 + 900ms);
  EXPECT_TRUE(schedule.ended(*again, good, t0 + 950ms));
  EXPECT_EQ(schedule.calls(), 1u);
}

TEST(ScheduleTest, NobodyComesBackAfterTheEnd) {
  Schedule schedule({stream("1", Kind::retry_after)}, 1s, 100, 1);
  schedule.begin(t0);
  const auto id = schedule.start(t0 + 500ms);
  EXPECT_TRUE(schedule.ended(*id, refused, t0 + 800ms));
  EXPECT_EQ(schedule.cut_off(), 1u);
  EXPECT_TRUE(schedule.over());
}

TEST(ScheduleTest, AStopEndsWhatHasNotBegunAndWaitsForWhatHas) {
  Schedule schedule({stream("10", Kind::naive)}, 10s, 100, 1);
  schedule.begin(t0);
  const auto id = schedule.start(t0 + 50ms);
  schedule.stop();
  EXPECT_FALSE(schedule.over());
  EXPECT_FALSE(schedule.start(t0 + 5s));
  EXPECT_TRUE(schedule.ended(*id, refused, t0 + 5s));
  EXPECT_TRUE(schedule.over());
}

TEST(ScheduleTest, BeginsAtMostSoManyCalls) {
  Schedule schedule({stream("100"), stream("100")}, 10s, 7, 1);
  schedule.begin(t0);
  int started = 0;
  while (const auto id = schedule.start(t0 + 10s)) {
    schedule.ended(*id, good, t0 + 10s);
    ++started;
  }
  EXPECT_EQ(started, 7);
  EXPECT_TRUE(schedule.over());
  EXPECT_TRUE(schedule.ran_out());
}

TEST(ScheduleTest, IdsAreOfTheCallAndNeverThoseOfAnother) {
  const std::string zeros(Ids::digits, '0');
  const Variant variant{.request = "a=" + zeros + ";a=" + zeros, .ids = {.count = 2, .first = 2, .step = 15}};
  std::string text;
  EXPECT_EQ(request_of(variant, 0, text), "a=000000000000;a=000000000001");
  EXPECT_EQ(request_of(variant, 21, text), "a=000000000042;a=000000000043");
  EXPECT_EQ(request_of({.request = "b"}, 7, text), "b");
}

TEST(ScheduleTest, DrawsVariantsByWeight) {
  Stream s = stream("1000");
  s.variants = {{.weight = 1, .label = "a", .request = "a"},
                {.weight = 0, .label = "b", .request = "b"},
                {.weight = 3, .label = "c", .request = "c"}};
  Schedule schedule({s}, 10s, 100'000, 1);
  schedule.begin(t0);
  std::map<std::string, int> drawn;
  while (const auto id = schedule.start(t0 + 10s)) {
    ++drawn[schedule.variant(*id).label];
    schedule.ended(*id, good, t0 + 10s);
  }
  EXPECT_NEAR(drawn["a"], 2500, 200);
  EXPECT_EQ(drawn["b"], 0);
  EXPECT_EQ(drawn["a"] + drawn["c"], 10'000);
}

}  // namespace
}  // namespace weir::load
