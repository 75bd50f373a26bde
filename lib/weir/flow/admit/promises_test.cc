#include <gtest/gtest.h>
#include <weir/flow/admit/promises.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
const TimePoint start{1h};

TEST(Promises, CountsWhatWasToldForEachPlace) {
  Promises promises(60s);
  promises.advance(start);
  const auto soon = Promises::slot(start + 1s), later = Promises::slot(start + 60s);
  EXPECT_TRUE(promises.add(soon));
  EXPECT_TRUE(promises.add(soon));
  EXPECT_TRUE(promises.add(later));
  EXPECT_EQ(promises.count(soon), 2u);
  EXPECT_EQ(promises.count(later), 1u);
  EXPECT_EQ(promises.count(soon + 1), 0u);
  EXPECT_EQ(promises.count(soon, later - soon + 1), 3u);
}

TEST(Promises, AWholeSecondLaterIsExactlyASecondsPlacesLaterAtEveryPhase) {
  for (int ms = 0; ms < 3000; ++ms) {
    const TimePoint t = start + ms * 1ms;
    for (int s = 0; s < 70; s += 7)
      ASSERT_EQ(Promises::slot(t + s * 1s), Promises::slot(t) + s * Promises::slots_per_second);
  }
}

TEST(Promises, KeepsThePastForAWhileAndForgetsItThen) {
  Promises promises(10s);
  promises.advance(start);
  const auto told = Promises::slot(start + 1s);
  promises.add(told);
  promises.advance(start + 5s);
  EXPECT_EQ(promises.count(told), 1u);
  promises.advance(start + 6s);
  EXPECT_EQ(promises.count(told), 0u);
}

TEST(Promises, StartsEmptyAgainHoweverLongNothingHappened) {
  Promises promises(10s);
  promises.advance(start);
  for (int s = 0; s <= 10; ++s) promises.add(Promises::slot(start + s * 1s));
  for (const auto pause : {Duration(20s), Duration(100s), Duration(24h)}) {
    promises.advance(start + pause);
    EXPECT_EQ(promises.count(Promises::slot(start + pause) - Promises::memory, 300), 0u);
  }
}

TEST(Promises, RefusesATimeOutsideOfItsHorizon) {
  Promises promises(10s);
  promises.advance(start);
  EXPECT_FALSE(promises.add(Promises::slot(start + 1h)));
  EXPECT_FALSE(promises.add(Promises::slot(start - 10s)));
  EXPECT_EQ(promises.count(Promises::slot(start + 1h)), 0u);
}

TEST(Promises, APlaceCanOverflowNeither) {
  Promises promises(1s);
  promises.advance(start);
  const auto p = Promises::slot(start);
  for (int i = 0; i < 65'535; ++i) ASSERT_TRUE(promises.add(p));
  EXPECT_FALSE(promises.add(p));
  EXPECT_EQ(promises.count(p), 65'535u);
}

}  // namespace
}  // namespace weir::flow
