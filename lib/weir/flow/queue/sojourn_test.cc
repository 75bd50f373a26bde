#include <gtest/gtest.h>
#include <weir/flow/queue/sojourn.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

Sojourn well() {
  Sojourn s;
  s.now = {3ms, 9ms};
  s.batches = 1000;
  s.usual = Sojourn::Times{3ms, 10ms};
  s.oldest = s.under_way = s.quiet = 5ms;
  return s;
}

TEST(Sojourn, IsAsUsualWhenBothAre) { EXPECT_EQ(judge(well()), SojournVerdict::as_usual); }

TEST(Sojourn, CallsASubsetStuckWhenOnlyTheTailIsUp) {
  Sojourn s = well();
  s.now = {3ms, 4100ms};
  EXPECT_EQ(judge(s), SojournVerdict::subset);
}

TEST(Sojourn, CallsItSystemicWhenBothAreUp) {
  Sojourn s = well();
  s.now = {900ms, 4100ms};
  EXPECT_EQ(judge(s), SojournVerdict::systemic);
}

TEST(Sojourn, TakesThreeTimesAndTenMillisecondsForUp) {
  Sojourn s = well();
  s.now = {3ms, 29ms};
  EXPECT_EQ(judge(s), SojournVerdict::as_usual);
  s.now = {3ms, 30ms};
  EXPECT_EQ(judge(s), SojournVerdict::subset);
  s.usual = Sojourn::Times{10us, 100us};
  s.now = {100us, 10ms};
  EXPECT_EQ(judge(s), SojournVerdict::as_usual) << "a hundred times as much, and nobody can feel it";
}

TEST(Sojourn, SaysNothingFromTooFew) {
  Sojourn s = well();
  s.batches = 19;
  s.now = {900ms, 4100ms};
  EXPECT_EQ(judge(s), SojournVerdict::too_few);
  s.batches = 20;
  EXPECT_EQ(judge(s), SojournVerdict::systemic) << "for a p50 these are enough";
  s.now = {3ms, 4100ms};
  s.batches = 99;
  EXPECT_EQ(judge(s), SojournVerdict::too_few) << "the p99 of 99 is the largest of them";
}

TEST(Sojourn, ComparesWithNothingUntilItKnowsWhatIsUsual) {
  Sojourn s = well();
  s.usual.reset();
  s.now = {900ms, 4100ms};
  EXPECT_EQ(judge(s), SojournVerdict::usual_unknown);
}

TEST(Sojourn, SeesWhatIsStuckBeforeItEnds) {
  Sojourn s = well();
  s.under_way = s.oldest = 999ms;
  EXPECT_EQ(judge(s), SojournVerdict::as_usual);
  s.under_way = s.oldest = 1s;
  EXPECT_EQ(judge(s), SojournVerdict::subset) << "one of several workers hangs, the others go on";
  s.quiet = 900ms;
  EXPECT_EQ(judge(s), SojournVerdict::as_usual) << "nobody overtook it, so it is no subset";
  s.quiet = 1s;
  EXPECT_EQ(judge(s), SojournVerdict::stalled) << "all of them hang";
  s.under_way = s.oldest = 5ms;
  EXPECT_EQ(judge(s), SojournVerdict::as_usual) << "nothing came, so nothing ended";
}

TEST(Sojourn, WaitsLongerWhereItIsUsualToTakeLong) {
  Sojourn s = well();
  s.now.p99 = s.usual->p99 = 2s;
  s.under_way = s.oldest = s.quiet = 19s;
  EXPECT_EQ(judge(s), SojournVerdict::as_usual);
  s.under_way = s.oldest = s.quiet = 20s;
  EXPECT_EQ(judge(s), SojournVerdict::stalled);
  s = {};
  s.oldest = s.quiet = 29s;
  EXPECT_EQ(judge(s), SojournVerdict::too_few);
  s.oldest = s.quiet = 30s;
  EXPECT_EQ(judge(s), SojournVerdict::stalled);
}

/// A batch of 10 events every 100 ms; one in `one_in` takes `slow`.
struct Course {
  void run(Duration length, Duration usual, Duration slow = 0ms, int one_in = 0) {
    for (const TimePoint end = now + length; now < end; now += 100ms)
      meter.ended(one_in && ++batches % one_in == 0 ? slow : usual, 10, now);
  }
  SojournVerdict verdict() { return judge(meter.stats(now)); }
  TimePoint now{1h};
  SojournMeter meter{now};
  int batches = 0;
};

TEST(SojournMeter, LearnsWhatIsUsualFromWhatWasBefore) {
  Course course;
  course.run(29s, 4ms);
  EXPECT_FALSE(course.meter.stats(course.now).usual);
  EXPECT_EQ(course.verdict(), SojournVerdict::usual_unknown);
  course.run(31s, 4ms);
  const Sojourn s = course.meter.stats(course.now);
  ASSERT_TRUE(s.usual);
  EXPECT_NEAR(seconds(s.usual->p50), 0.004, 0.0001);
  EXPECT_NEAR(seconds(s.now.p50), 0.004, 0.0001);
  EXPECT_EQ(s.events, 6000u);
  EXPECT_NEAR(s.total, 24, 0.01);
  EXPECT_EQ(course.verdict(), SojournVerdict::as_usual);
}

TEST(SojournMeter, TellsATailFromAWhole) {
  Course course;
  course.run(5min, 4ms);
  course.run(20s, 4ms, 800ms, 20);
  EXPECT_EQ(course.verdict(), SojournVerdict::subset);
  course.run(20s, 400ms);
  EXPECT_EQ(course.verdict(), SojournVerdict::systemic);
  course.run(31s, 4ms);
  EXPECT_EQ(course.verdict(), SojournVerdict::as_usual) << "what is over is forgotten within half a minute";
}

TEST(SojournMeter, IsNotBlindedByOneBadMinute) {
  Course course;
  course.run(10min, 4ms);
  course.run(1min, 40s);
  course.run(1min, 4ms);
  const Sojourn s = course.meter.stats(course.now);
  EXPECT_LT(s.usual->p99, 12ms) << "the plain mean would be 3 s";
  course.run(20s, 400ms);
  EXPECT_EQ(course.verdict(), SojournVerdict::systemic);
}

TEST(SojournMeter, TakesWhatLastsForUsualInTheEnd) {
  Course course;
  course.run(30min, 4ms);
  course.run(5min, 400ms);
  EXPECT_EQ(course.verdict(), SojournVerdict::systemic);
  course.run(3h, 400ms);
  EXPECT_EQ(course.verdict(), SojournVerdict::as_usual);
}

TEST(SojournMeter, RemembersWhatWasUsualOverAPause) {
  Course course;
  course.run(1min, 4ms);
  course.now += 10min;
  const Sojourn s = course.meter.stats(course.now);
  EXPECT_EQ(s.batches, 0u);
  EXPECT_EQ(s.now.p50, 0s);
  EXPECT_NEAR(seconds(s.quiet), 600.1, 0.01);
  ASSERT_TRUE(s.usual);
  EXPECT_NEAR(seconds(s.usual->p99), 0.004, 0.0001);
  EXPECT_EQ(judge(s), SojournVerdict::too_few);
}

}  // namespace
}  // namespace weir::flow
