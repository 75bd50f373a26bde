#include <gtest/gtest.h>
#include <weir/flow/admit/fixed_window.h>

#include "rates_for_test.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

/// Seconds to wait; -1: refused.
double reserved(FixedWindow& window, double when, std::uint64_t n) {
  const auto wait = window.reserve(n, at(when), 1h);
  return wait ? seconds(*wait) : -1;
}

TEST(FixedWindow, GivesThePublishedWaitsOfReservations) {
  FixedWindow two({2, 1s});
  EXPECT_NEAR(reserved(two, 0, 7), 3.0, 1e-9);
  EXPECT_NEAR(reserved(two, 0.8, 3), 3.2, 1e-9);
  EXPECT_NEAR(reserved(two, 2.3, 1), 2.7, 1e-9);
  EXPECT_NEAR(reserved(two, 3.5, 1), 1.5, 1e-9);
  EXPECT_NEAR(reserved(two, 3.5, 1), 2.5, 1e-9);
  EXPECT_NEAR(reserved(two, 7, 1), 0, 1e-9);
  EXPECT_EQ(quota(two, 7), (Quota{1, 1}));
  FixedWindow five({5, 1s});
  EXPECT_NEAR(reserved(five, 0, 0), 0, 1e-9);
  EXPECT_NEAR(reserved(five, 0.3, 3), 0, 1e-9);
  EXPECT_NEAR(reserved(five, 1.55, 10), 0.45, 1e-9);
  EXPECT_NEAR(reserved(five, 2.21, 2), 0.79, 1e-9);
}

TEST(FixedWindow, LetsItsLimitPassInEachWindowAndSaysWhenTheNextBegins) {
  FixedWindow window({3, 10s});
  EXPECT_EQ(passes(window, 0, 2), 0);
  EXPECT_EQ(passes(window, 4, 2), std::nullopt);
  EXPECT_EQ(window.ready_in(2, at(4)), 6s);
  EXPECT_EQ(window.ready_in(4, at(4)), Duration::max());
  EXPECT_EQ(passes(window, 4, 1), 0);
  EXPECT_EQ(quota(window, 4), (Quota{0, 6}));
  EXPECT_EQ(passes(window, 10, 3), 0);
  EXPECT_EQ(quota(window, 1000), (Quota{3, 0}));
}

TEST(FixedWindow, GivesBackNoMoreThanWasTaken) {
  FixedWindow window({3, 10s});
  EXPECT_EQ(passes(window, 0, 2), 0);
  window.give_back(2, at(1));
  window.give_back(2, at(1));
  EXPECT_EQ(passes(window, 1, 3), 0);
  EXPECT_EQ(passes(window, 1, 1), std::nullopt);
}

TEST(FixedWindow, RefusesAReservationThatWouldWaitTooLong) {
  FixedWindow window({2, 1s});
  ASSERT_TRUE(window.reserve(4, at(0), 1s));
  const auto more = window.reserve(1, at(0.25), 1s);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().retry_after, 750ms);
  EXPECT_TRUE(window.reserve(1, at(1.0), 1s));
  EXPECT_FALSE(window.reserve(UINT64_MAX, at(1.0), 1h));
}

TEST(FixedWindow, RefusesWhatItCannotBeMadeOf) {
  EXPECT_EQ(check(WindowConfig{0, 1s})->field, "limit");
  EXPECT_EQ(check(WindowConfig{UINT64_MAX, 1s})->field, "limit");
  for (const Duration wrong : {Duration{0}, Duration{-1}, Duration{999}, Duration::max()})
    EXPECT_EQ(check(WindowConfig{1, wrong})->field, "length") << wrong.count();
  EXPECT_THROW(FixedWindow({0, 1s}), std::invalid_argument);
}

}  // namespace
}  // namespace weir::flow
