#include "load/tally.h"

#include <gtest/gtest.h>

#include "load/assertion.h"

namespace weir::load {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint t0{1s};

/// An attempt that was due `at` into the load and took `took`.
void ended(Tally& tally, Duration at, Duration took, Outcome outcome = {.status = 200}, bool over = true,
           std::string label = "a", Duration lag = {}) {
  const Attempt attempt{.first_due = t0 + at, .due = t0 + at, .lag = lag};
  tally.record(attempt, outcome, over, label, t0, t0 + at + took);
}

TEST(TallyTest, TimesAreThoseOfGoodCallsFromTheirFirstAttempt) {
  Tally tally(10s);
  for (int i = 1; i <= 99; ++i) ended(tally, 100ms * i, 10ms);
  ended(tally, 1s, 5s);
  ended(tally, 1s, 1ms, {.status = 503});
  EXPECT_EQ(tally.all().calls, 101u);
  EXPECT_EQ(tally.all().good, 100u);
  EXPECT_EQ(tally.all().times.count(), 100u);
  EXPECT_NEAR(seconds(tally.all().times.quantile(0.5)), 0.01, 0.0001);
  EXPECT_EQ(tally.all().times.max(), Duration{5s});
  EXPECT_DOUBLE_EQ(tally.goodput(), 10);
  EXPECT_NEAR(tally.success(), 100.0 / 101, 1e-9);
}

TEST(TallyTest, AttemptsAreCountedByWhatBecameOfThemAndCallsOnce) {
  Tally tally(10s);
  ended(tally, 0s, 1ms, {.status = 503, .reason = "flow_full"}, false);
  ended(tally, 0s, 1ms, {.end = Outcome::End::left}, false);
  ended(tally, 0s, 1ms);
  EXPECT_EQ(tally.attempts(), 3u);
  EXPECT_EQ(tally.all().calls, 1u);
  EXPECT_EQ(tally.by_end().at("503"), 1u);
  EXPECT_EQ(tally.by_end().at("deadline"), 1u);
  EXPECT_EQ(tally.by_reason().at("flow_full"), 1u);
}

TEST(TallyTest, GoodCallsThatTheServiceDidNotAnswerItselfAreCounted) {
  Tally tally(10s);
  ended(tally, 0s, 1ms);
  ended(tally, 5s, 1ms, {.status = 200, .stood_in = true});
  EXPECT_EQ(tally.all().good, 2u);
  EXPECT_EQ(tally.stood_in(), 1u);
  EXPECT_EQ(tally.slices().at(0).stood_in, 0u);
  EXPECT_EQ(tally.slices().at(50).stood_in, 1u);
}

TEST(TallyTest, SaysWhenTheScheduleWasNotKept) {
  Tally tally(10s);
  for (int i = 0; i < 98; ++i) ended(tally, 0s, 1ms);
  ended(tally, 0s, 1ms, {.status = 200}, true, "a", 6ms);
  EXPECT_FALSE(tally.kept_schedule());
  for (int i = 0; i < 100; ++i) ended(tally, 0s, 1ms);
  EXPECT_TRUE(tally.kept_schedule());
  ended(tally, 0s, 0s, {.end = Outcome::End::no_room});
  EXPECT_FALSE(tally.kept_schedule());
}

TEST(TallyTest, HoldsABoundedNumberOfLabelsAndLosesNoCall) {
  Tally tally(10s);
  for (int i = 0; i < 1000; ++i) ended(tally, 0s, 1ms, {.status = 200}, true, std::to_string(i));
  EXPECT_LE(tally.by_label().size(), Tally::most_labels + 1);
  std::uint64_t calls = 0;
  for (const auto& [label, group] : tally.by_label()) calls += group.calls;
  EXPECT_EQ(calls, 1000u);
}

TEST(TallyTest, SlicesCoverTheWholeLoadAndWhatWasDueAfterIt) {
  for (const Duration length : {Duration{1ms}, Duration{10s}, Duration{1234567891}}) {
    Tally tally(length);
    ended(tally, 0s, 1ms);
    ended(tally, length, 1ms);
    std::uint64_t due = 0;
    for (const auto& slice : tally.slices()) due += slice.due;
    EXPECT_EQ(due, 2u);
    EXPECT_LE(tally.slices().size(), 101u);
  }
}

TEST(AssertionTest, JudgesWhatItNames) {
  Tally tally(10s);
  for (int i = 0; i < 90; ++i) ended(tally, 0s, 10ms);
  for (int i = 0; i < 10; ++i) ended(tally, 0s, 10ms, {.status = 500});
  const auto holds = [&](std::string_view text) { return Assertion::parse(text).value().judge(tally).holds; };
  EXPECT_TRUE(holds("p99 < 11ms"));
  EXPECT_FALSE(holds("p99 < 10ms"));
  EXPECT_TRUE(holds("max<=10ms"));
  EXPECT_TRUE(holds("goodput >= 9/s"));
  EXPECT_FALSE(holds("goodput > 9/s"));
  EXPECT_TRUE(holds("success >= 90%"));
  EXPECT_FALSE(holds("errors < 10%"));
  EXPECT_TRUE(holds("errors < 10.1%"));
  EXPECT_TRUE(holds("late <= 0%"));
}

TEST(AssertionTest, ATimeOfNoCallHoldsNothing) {
  const Tally none(10s);
  for (const std::string_view text : {"p99 < 1h", "p99 > 0s", "success >= 0%", "errors <= 100%"})
    EXPECT_FALSE(Assertion::parse(text).value().judge(none).holds) << text;
  EXPECT_FALSE(Assertion::parse("goodput > 0/s").value().judge(none).holds);
}

TEST(AssertionTest, WhatIsNoneIsRefusedInOneLine) {
  for (const std::string_view text : {"", "p99", "p99 = 1s", "p98 < 1s", "p99 < 200", "goodput > 7", "success > 200%",
                                      "p99 < ", "< 1s", "p99 < < 1s"}) {
    const auto parsed = Assertion::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::load
