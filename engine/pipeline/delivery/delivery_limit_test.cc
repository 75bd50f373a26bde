// How many deliveries of a sink may be under way at once. Time is given.
#include "pipeline/delivery/delivery_limit.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using Algorithm = flow::AnyLimitConfig::Algorithm;
using flow::CallEnd;

constexpr TimePoint start{1h};

config::Guards fixed(std::uint32_t limit, bool observe = false) {
  config::Guards guards{.position = config::GuardPosition::sink};
  guards.concurrency.emplace();
  guards.concurrency->guard.limit = {.algorithm = Algorithm::fixed, .range = {.start = limit}};
  guards.concurrency->observe = observe;
  return guards;
}

config::Guards adaptive(std::uint32_t most) {
  config::Guards guards = fixed(4);
  guards.concurrency->guard.limit = {.range = {.start = 4, .least = 2, .most = most}};
  return guards;
}

TEST(DeliveryLimit, WithoutOneEverybodyStarts) {
  DeliveryLimit limit({}, 1);
  bool waits = false;
  EXPECT_TRUE(limit.try_start(waits, start));
  EXPECT_FALSE(waits);
  EXPECT_EQ(limit.most_of(7), 7);
  EXPECT_TRUE(limit.status().empty());
}

TEST(DeliveryLimit, AboveItAWorkerWaitsUntilAnotherEnds) {
  DeliveryLimit limit(fixed(2), 1);
  bool a = false, b = false, c = false;
  auto first = limit.try_start(a, start), second = limit.try_start(b, start);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(limit.try_start(c, start));
  EXPECT_TRUE(c);
  EXPECT_EQ(limit.holds_up(), "2 at once");
  EXPECT_EQ(limit.most_of(7), 2) << "all that can are under way";
  EXPECT_TRUE(limit.end(std::move(*first), CallEnd::answered, false, start + 1ms)) << "one that waits is to be woken";
  auto third = limit.try_start(c, start + 1ms);
  ASSERT_TRUE(third);
  EXPECT_FALSE(c);
  EXPECT_FALSE(limit.end(std::move(*second), CallEnd::answered, false, start + 2ms)) << "nobody waits";
  EXPECT_FALSE(limit.end(std::move(*third), CallEnd::failed, false, start + 2ms));
  const auto status = limit.status().at(0);
  EXPECT_EQ(status.permitted, 3u);
  EXPECT_EQ(status.refused, 1u) << "asked twice, it waited once";
  EXPECT_EQ(status.concurrency->in_flight, 0u);
  EXPECT_EQ(status.concurrency->waited, 1u);
}

TEST(DeliveryLimit, AWorkerThatLeavesIsNotWaitedFor) {
  DeliveryLimit limit(fixed(1), 1);
  bool a = false, b = false;
  auto place = limit.try_start(a, start);
  EXPECT_FALSE(limit.try_start(b, start));
  limit.leave(b);
  limit.leave(b);
  EXPECT_FALSE(limit.end(std::move(*place), CallEnd::answered, false, start));
  EXPECT_EQ(limit.status()[0].concurrency->waiting, 0u);
  EXPECT_EQ(limit.status()[0].concurrency->left, 1u);
}

TEST(DeliveryLimit, ThatObservesHoldsNobodyUpAndCounts) {
  DeliveryLimit limit(fixed(1, true), 1);
  bool a = false, b = false;
  auto first = limit.try_start(a, start), second = limit.try_start(b, start);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(b);
  EXPECT_EQ(limit.status()[0].refused, 1u);
  EXPECT_EQ(limit.status()[0].concurrency->in_flight, 1u) << "as if it were enforced";
  limit.end(std::move(*second), CallEnd::answered, false, start);
  limit.end(std::move(*first), CallEnd::answered, false, start);
}

/// Workers against a service with slots, in virtual time: 16 workers that always have work, each delivery takes 10 ms
/// in one of 4 slots.
double limit_found(DeliveryLimit& limit, int workers, int slots) {
  struct Running {
    DeliveryLimit::Place place;
    TimePoint ends;
  };
  std::vector<std::optional<Running>> running(static_cast<std::size_t>(workers));
  std::vector<char> waits(running.size(), 0);
  std::vector<TimePoint> free(static_cast<std::size_t>(slots), start);
  double sum = 0;
  int steps = 0;
  for (TimePoint now = start; now < start + 20s; now += 100us) {
    for (auto& r : running)
      if (r && r->ends <= now) {
        limit.end(std::move(r->place), CallEnd::answered, true, now);
        r.reset();
      }
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (running[i]) continue;
      bool w = waits[i] != 0;
      if (auto place = limit.try_start(w, now)) {
        const auto slot = std::ranges::min_element(free);
        *slot = std::max(*slot, now) + 10ms;
        running[i].emplace(std::move(*place), *slot);
      }
      waits[i] = w;
    }
    if (now > start + 5s) ++steps, sum += limit.most_of(workers);
  }
  for (auto& r : running)
    if (r) limit.end(std::move(r->place), CallEnd::ignored, false, start + 21s);
  return sum / steps;
}

TEST(DeliveryLimit, FindsWhatTheDestinationDoesWithoutQueueing) {
  DeliveryLimit limit(adaptive(64), 1);
  const double found = limit_found(limit, 64, 4);
  EXPECT_GE(found, 4);
  EXPECT_LE(found, 10) << "of 64 workers";
}

TEST(DeliveryLimit, ComesDownAlsoFromWhereNoWorkerIsLeftToWaitForIt) {
  DeliveryLimit limit(adaptive(12), 1);
  EXPECT_LE(limit_found(limit, 12, 2), 7) << "of 12 workers";
}

TEST(DeliveryLimit, IsNeverAboveTheWorkers) {
  DeliveryLimit limit(adaptive(8), 1);
  EXPECT_LE(limit_found(limit, 8, 64), 8);
}

TEST(DeliveryLimit, AChangedNumberCountsFromNowOnAndWhatIsUnderWayEndsWhereItBegan) {
  DeliveryLimit limit(fixed(1), 1);
  bool a = false, b = false, c = false;
  auto first = limit.try_start(a, start);
  EXPECT_FALSE(limit.try_start(b, start));
  limit.reconfigure(fixed(2));
  auto second = limit.try_start(b, start);
  ASSERT_TRUE(second);
  limit.end(std::move(*first), CallEnd::answered, false, start + 1ms);
  limit.end(std::move(*second), CallEnd::answered, false, start + 1ms);
  EXPECT_EQ(limit.status()[0].concurrency->in_flight, 0u);
  limit.reconfigure({});
  EXPECT_TRUE(limit.none());
  EXPECT_TRUE(limit.try_start(c, start));
}

}  // namespace
}  // namespace weir::pipeline
