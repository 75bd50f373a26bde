#include <gtest/gtest.h>
#include <weir/flow/queue/service_meter.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(ServiceMeter, KnowsNoRateBeforeTheFirstCompletion) {
  ServiceMeter meter;
  EXPECT_FALSE(meter.rate());
  meter.served(0, 1s);
  EXPECT_FALSE(meter.rate());
  meter.served(100, 1s);
  EXPECT_TRUE(meter.rate());
}

TEST(ServiceMeter, IsTheMeanFromTheFirstSampleOn) {
  ServiceMeter meter;
  meter.served(10, 10ms);
  EXPECT_NEAR(meter.rate()->value, 1000, 1e-6);
  meter.served(0, 10ms);
  EXPECT_NEAR(meter.rate()->value, 500, 1);
}

TEST(ServiceMeter, FollowsANewRateWithinAFewBusySeconds) {
  ServiceMeter meter;
  for (int i = 0; i < 1000; ++i) meter.served(10, 10ms);
  for (int i = 0; i < 250; ++i) meter.served(10, 100ms);
  EXPECT_NEAR(meter.rate()->value, 100, 10);
}

TEST(BusyTime, CountsOverlappingWorkersOnce) {
  BusyTime busy;
  const TimePoint t{1h};
  busy.start(t);
  busy.start(t + 1s);
  EXPECT_EQ(busy.stop(t + 2s), 2s);
  EXPECT_EQ(busy.stop(t + 3s), 1s);
  busy.start(t + 10s);
  EXPECT_EQ(busy.stop(t + 11s), 1s) << "idle time is nobody's";
}

TEST(GrowthMeter, ConvergesToTheSlopeAndDecaysWhenNothingHappens) {
  GrowthMeter meter;
  TimePoint now{1h};
  std::uint64_t waiting = 0;
  for (int i = 0; i < 1000; ++i) meter.update(waiting += 5, now += 10ms);
  EXPECT_NEAR(meter.growth(waiting, now).value, 500, 10);
  EXPECT_NEAR(meter.growth(waiting, now + 20s).value, 0, 5);
  for (int i = 0; i < 1000; ++i) meter.update(waiting -= 2, now += 10ms);
  EXPECT_NEAR(meter.growth(waiting, now).value, -200, 10);
}

}  // namespace
}  // namespace weir::flow
