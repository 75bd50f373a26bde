#include <gtest/gtest.h>
#include <weir/flow/signal/alert.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using Change = Alert::Change;

TEST(Alert, FiresWhenItHasLastedAndEndsWhenItIsOver) {
  Alert alert(2s, 5s);
  const TimePoint t{100s};
  EXPECT_EQ(alert.look(true, t), Change::none);
  EXPECT_EQ(alert.look(true, t + 1s), Change::none);
  EXPECT_EQ(alert.look(true, t + 2s), Change::fires);
  EXPECT_TRUE(alert.firing());
  EXPECT_EQ(alert.since(), t);
  EXPECT_EQ(alert.look(true, t + 60s), Change::none) << "told once";
  EXPECT_EQ(alert.look(false, t + 61s), Change::none);
  EXPECT_EQ(alert.look(false, t + 66s), Change::ends);
  EXPECT_FALSE(alert.firing());
}

TEST(Alert, WhatDoesNotLastIsNotTold) {
  Alert alert(2s, 5s);
  TimePoint t{};
  for (int i = 0; i < 100; ++i, t += 1s) EXPECT_EQ(alert.look(i % 2 == 0, t), Change::none);
}

TEST(Alert, AShortReliefDoesNotEndIt) {
  Alert alert(0s, 5s);
  TimePoint t{};
  EXPECT_EQ(alert.look(true, t), Change::fires);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(alert.look(i % 5 == 0, t += 1s), Change::none);
  EXPECT_TRUE(alert.firing());
  EXPECT_EQ(alert.since(), TimePoint{});
}

}  // namespace
}  // namespace weir::flow
