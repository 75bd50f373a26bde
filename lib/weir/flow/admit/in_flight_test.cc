#include <gtest/gtest.h>
#include <weir/base/rng.h>
#include <weir/flow/admit/adaptive_limit.h>
#include <weir/flow/admit/fixed_limit.h>
#include <weir/flow/admit/in_flight.h>

#include <vector>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{100s};

/// Writes down what it is told.
class Listener {
 public:
  std::uint32_t limit() const { return limit_; }
  void answered(const Answer& answer, TimePoint) {
    told.push_back(answer);
    limit_ = next;
  }
  LimitFacts facts() const { return {limit_, LimitMove::none, "none", 0, 0}; }
  Duration wait_inside() const { return Duration{0}; }

  std::vector<Answer> told;
  std::uint32_t next = 3;

 private:
  std::uint32_t limit_ = 3;
};
static_assert(ConcurrencyLimit<Listener>);

using Permits = std::vector<InFlight<Listener>::Permit>;

TEST(InFlightTest, LetsAsManyStartAsTheLimitSaysAndRefusesTheRest) {
  InFlight<FixedLimit> in_flight(FixedLimit({2}));
  auto first = in_flight.try_start(start);
  auto second = in_flight.try_start(start);
  ASSERT_TRUE(first && second);
  const auto third = in_flight.try_start(start);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().reason, Reason::concurrency_limited);
  first->answered(false, start + 10ms);
  EXPECT_EQ(in_flight.in_flight(), 1u);
  EXPECT_TRUE(in_flight.try_start(start + 10ms));
  const auto stats = in_flight.stats();
  EXPECT_EQ(stats.started, 3u);
  EXPECT_EQ(stats.refused, 1u);
  EXPECT_EQ(stats.answered, 1u);
  EXPECT_EQ(stats.ignored, 1u) << "the last one was dropped unsettled";
}

TEST(InFlightTest, TheTimeEndsWhereTheServiceIsDoneAndThePlaceWhenItIsSettled) {
  InFlight<Listener> in_flight{Listener()};
  auto permit = in_flight.start(start);
  permit.served(start + 10ms);
  EXPECT_EQ(in_flight.in_flight(), 1u) << "the answer is still carried to a slow reader";
  auto moved = std::move(permit);
  moved.answered(false, start + 5s);
  ASSERT_EQ(in_flight.limit().told.size(), 1u);
  EXPECT_EQ(in_flight.limit().told[0].time, 10ms);
  EXPECT_EQ(in_flight.in_flight(), 0u);
}

TEST(InFlightTest, ARefusalSaysAboutWhenAPlaceIsFree) {
  InFlight<FixedLimit> in_flight(FixedLimit({4}));
  std::vector<InFlight<FixedLimit>::Permit> permits;
  permits.push_back(*in_flight.try_start(start));
  permits.back().answered(false, start + 40ms);
  permits.clear();
  while (auto permit = in_flight.try_start(start)) permits.push_back(std::move(*permit));
  EXPECT_EQ(permits.size(), 4u);
  EXPECT_EQ(in_flight.try_start(start).error().retry_after, 10ms);
}

TEST(InFlightTest, APermitIsSettledOnceAndAtTheLatestWhenItIsDestroyed) {
  InFlight<Listener> in_flight{Listener{}};
  {
    auto permit = in_flight.start(start);
    permit.answered(false, start + 1ms);
    permit.failed(false, start + 2ms);
    auto moved = std::move(permit);
    moved.answered(false, start + 3ms);
    const auto forgotten = in_flight.start(start);
    EXPECT_EQ(in_flight.in_flight(), 1u);
  }
  EXPECT_EQ(in_flight.in_flight(), 0u);
  EXPECT_EQ(in_flight.limit().told.size(), 1u);
  EXPECT_EQ(in_flight.stats().ignored, 1u);
}

TEST(InFlightTest, APermitThatIsAssignedOverGivesItsPlaceBack) {
  InFlight<Listener> in_flight{Listener{}};
  auto permit = in_flight.start(start);
  permit = in_flight.start(start);
  EXPECT_EQ(in_flight.in_flight(), 1u);
  permit.answered(false, start + 1ms);
  EXPECT_EQ(in_flight.limit().told.back().followers, 0u);
}

TEST(InFlightTest, CountsThoseDispatchedAfterARequestAndBeforeItsAnswer) {
  InFlight<Listener> in_flight{Listener{}};
  Permits permits;
  for (int i = 0; i < 3; ++i) permits.push_back(in_flight.start(start));
  permits[0].answered(true, start + 5ms);
  permits.push_back(in_flight.start(start + 5ms));
  permits[1].answered(true, start + 6ms);
  permits[3].answered(true, start + 7ms);
  const auto& told = in_flight.limit().told;
  EXPECT_EQ(told[0].followers, 2u);
  EXPECT_EQ(told[1].followers, 2u);
  EXPECT_EQ(told[2].followers, 0u);
  EXPECT_EQ(told[0].in_flight, 1u);
  EXPECT_EQ(told[1].in_flight, 2u);
  EXPECT_EQ(told[2].in_flight, 3u);
  EXPECT_EQ(told[2].time, 2ms);
  permits[2].ignored();
}

TEST(InFlightTest, FullThroughoutLastsAsLongAsNoPlaceStaysFree) {
  InFlight<Listener> in_flight{Listener{}};
  Permits permits;
  for (int i = 0; i < 3; ++i) permits.push_back(in_flight.start(start));
  permits[0].answered(true, start + 1ms);  // dispatched before it was full
  permits.push_back(in_flight.start(start + 1ms));
  in_flight.left_free();
  permits[3].answered(true, start + 2ms);  // dispatched and answered in one spell
  in_flight.left_free();                   // nobody came: a gap
  EXPECT_FALSE(in_flight.full());
  permits.push_back(in_flight.start(start + 2ms));
  EXPECT_TRUE(in_flight.full());
  permits[2].answered(true, start + 3ms);  // of the spell before
  permits[4].answered(true, start + 4ms);
  const auto& told = in_flight.limit().told;
  const std::vector<bool> expected{false, true, false, true};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(told[i].full_throughout, expected[i]) << i;
  permits[1].ignored();
}

TEST(InFlightTest, NobodyWaitingIsNotFullEvenAtTheLimit) {
  InFlight<Listener> in_flight{Listener{}};
  Permits permits;
  for (int i = 0; i < 3; ++i) permits.push_back(in_flight.start(start));
  permits[0].answered(false, start + 1ms);
  EXPECT_FALSE(in_flight.limit().told[0].full);
  EXPECT_FALSE(in_flight.full()) << "its place stayed free";
}

TEST(InFlightTest, ALimitThatIsLoweredMakesThoseInFlightInvalidAndLetsNobodyStartUntilTheyAreBelowIt) {
  InFlight<Listener> in_flight{Listener{}};
  Permits permits;
  for (int i = 0; i < 3; ++i) permits.push_back(in_flight.start(start));
  in_flight.limit().next = 1;
  permits[2].answered(true, start + 1ms);
  EXPECT_TRUE(in_flight.limit().told[0].full_throughout);
  EXPECT_FALSE(in_flight.has_room()) << "two in flight, limit 1";
  permits[1].answered(true, start + 2ms);
  EXPECT_FALSE(in_flight.has_room());
  EXPECT_FALSE(in_flight.limit().told[1].full_throughout);
  permits[0].answered(true, start + 3ms);
  EXPECT_TRUE(in_flight.has_room());
}

TEST(InFlightTest, AClockThatStandsStillOrStepsBackIsATimeOfZero) {
  InFlight<Listener> in_flight{Listener{}};
  auto permit = in_flight.start(start);
  permit.answered(false, start - 5s);
  EXPECT_EQ(in_flight.limit().told[0].time, 0ns);
}

TEST(InFlightTest, IsEmptyAfterTenThousandRoundsOfWaitersThatGiveUp) {
  InFlight<AdaptiveLimit> in_flight{AdaptiveLimit{{}}};
  Rng rng(3);
  std::vector<InFlight<AdaptiveLimit>::Permit> permits;
  TimePoint now = start;
  for (int round = 0; round < 10'000; ++round) {
    now += Duration(static_cast<Duration::rep>(rng.below(2'000'000)));
    while (auto permit = in_flight.try_start(now)) permits.push_back(std::move(*permit));
    ASSERT_EQ(in_flight.in_flight(), permits.size());
    std::swap(permits[rng.below(permits.size())], permits.back());
    const auto kind = rng.below(4);
    if (kind == 0) permits.back().failed(true, now);
    if (kind == 1) permits.back().answered(true, now);
    permits.pop_back();  // or dropped
  }
  permits.clear();
  EXPECT_EQ(in_flight.in_flight(), 0u);
}

}  // namespace
}  // namespace weir::flow
