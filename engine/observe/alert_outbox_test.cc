// What a receiver of alerts is told and when, in given time.
#include "observe/alert_outbox.h"

#include <gmock/gmock.h>

namespace weir::observe {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

AlertNews news(const char* node, bool firing, const char* text = "facts") {
  return {.rule = AlertRule::errors, .kind = "sink", .node = node, .text = text, .firing = firing};
}

class AnOutbox : public testing::Test {
 protected:
  void take(const AlertNews& one) { box_.take(std::span(&one, 1)); }
  std::vector<std::string> due(Duration at) {
    std::vector<std::string> out;
    for (const AlertNews& one : box_.due(TimePoint{} + at, 100)) out.push_back(one.node + (one.firing ? "+" : "-"));
    return out;
  }
  void delivered(Duration at) { box_.delivered(TimePoint{} + at); }
  void failed(Duration at, Duration asked = Duration{0}) { box_.failed(TimePoint{} + at, asked, rng_); }

  Rng rng_{1};
  AlertOutbox box_{1min};
};

TEST_F(AnOutbox, TellsABeginningAtOnceAndAgainWhileItLasts) {
  EXPECT_THAT(due(0s), IsEmpty());
  take(news("db", true));
  EXPECT_THAT(due(1s), ElementsAre("db+"));
  EXPECT_THAT(due(1s), IsEmpty()) << "it is on its way";
  delivered(2s);
  EXPECT_THAT(due(61s), IsEmpty());
  EXPECT_EQ(box_.next(), TimePoint{} + 62s);
  EXPECT_THAT(due(62s), ElementsAre("db+"));
}

TEST_F(AnOutbox, TellsAnEndOnceAndForgetsIt) {
  take(news("db", true));
  due(0s);
  delivered(0s);
  take(news("db", false));
  EXPECT_THAT(due(1s), ElementsAre("db-"));
  delivered(1s);
  EXPECT_THAT(due(1h), IsEmpty());
  EXPECT_EQ(box_.next(), never);
}

TEST_F(AnOutbox, WhatChangesOnItsWayIsToldAfterwards) {
  take(news("db", true));
  due(0s);
  take(news("db", false));
  delivered(1s);
  EXPECT_EQ(box_.waiting(), 1u);
  EXPECT_THAT(due(1s), ElementsAre("db-"));
}

TEST_F(AnOutbox, AFailureKeepsTheLastStateAndWaitsLongerEachTime) {
  take(news("db", true));
  Duration at = 0s, last{0};
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(due(at), ElementsAre("db+")) << i;
    failed(at);
    const Duration wait = box_.next() - (TimePoint{} + at);
    EXPECT_GE(wait, i < 6 ? last / 2 : 30s);
    EXPECT_LE(wait, 1min);
    EXPECT_THAT(due(at + wait - 1ns), IsEmpty());
    last = wait;
    at += wait;
  }
  take(news("db", false));
  EXPECT_THAT(due(at), ElementsAre("db-")) << "the beginning is not told any more";
  EXPECT_EQ(box_.waiting(), 1u);
}

TEST_F(AnOutbox, WaitsAsLongAsTheReceiverHasAsked) {
  take(news("db", true));
  due(0s);
  failed(0s, 5min);
  EXPECT_THAT(due(299s), IsEmpty());
  EXPECT_THAT(due(300s), ElementsAre("db+"));
}

TEST_F(AnOutbox, ARepetitionThatFailsIsNoChangeThatWaits) {
  take(news("db", true));
  due(0s);
  delivered(0s);
  EXPECT_THAT(due(1min), ElementsAre("db+"));
  failed(1min);
  EXPECT_EQ(box_.waiting(), 0u);
  EXPECT_THAT(due(2min), ElementsAre("db+"));
}

TEST_F(AnOutbox, HoldsOneStateForEachAlertHoweverOftenItChanges) {
  for (int i = 0; i < 1000; ++i) {
    take(news("db", i % 2 == 0));
    take(news("archive", i % 2 == 1));
  }
  EXPECT_EQ(box_.waiting(), 2u);
  EXPECT_THAT(due(0s), ElementsAre("archive+", "db-"));
}

TEST_F(AnOutbox, GivesNoMoreThanOneDeliveryMayHold) {
  for (const char* node : {"a", "b", "c"}) take(news(node, true));
  EXPECT_EQ(box_.due(TimePoint{}, 2).size(), 2u);
  delivered(0s);
  EXPECT_THAT(due(0s), ElementsAre("c+"));
}

TEST(AnAlertOutboxThatRepeatsNothing, TellsABeginningOnce) {
  AlertOutbox box(Duration{0});
  const AlertNews one = news("db", true);
  box.take(std::span(&one, 1));
  EXPECT_EQ(box.due(TimePoint{}, 9).size(), 1u);
  box.delivered(TimePoint{});
  EXPECT_EQ(box.next(), never);
}

TEST(AnAlertAsAnEvent, SaysWhatAlertmanagerAsksFor) {
  AlertNews one = news("d\"b", true, "3 of 4 failed");
  one.began = WallTime{} + 1h;
  EXPECT_EQ(
      event_of(one, "host", 1min, WallTime{} + 2h),
      R"({"status":"firing","labels":{"alertname":"weir_errors","severity":"warning","kind":"sink","node":"d\"b",)"
      R"("instance":"host"},"annotations":{"summary":"3 of 4 failed","advice":"look at the destination: its own )"
      R"(words are in `weir why`"},"startsAt":"1970-01-01T01:00:00.000Z","endsAt":"1970-01-01T02:04:00.000Z"})");
  one.firing = false;
  one.ended = WallTime{} + 90min;
  EXPECT_THAT(event_of(one, "host", Duration{0}, WallTime{} + 2h),
              testing::AllOf(testing::HasSubstr(R"("status":"resolved")"),
                             testing::EndsWith(R"("endsAt":"1970-01-01T01:30:00.000Z"})")));
}

}  // namespace
}  // namespace weir::observe
