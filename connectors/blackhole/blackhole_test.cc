#include "blackhole.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <thread>

namespace weir::blackhole {
namespace {

using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

/// A clock that moves on by itself each time it is read, so that nothing here waits for real time.
class HastyClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(Duration(now_ += 50'000'000)); }
  WallTime wall() const override { return {}; }
  Duration elapsed() const { return Duration(now_.load()); }

 private:
  mutable std::atomic<Duration::rep> now_{0};
};

Delivered events(std::size_t n) { return Delivered(batch_of(json_events("e", n), 1)); }

class BlackholeTest : public testing::Test {
 protected:
  std::unique_ptr<Blackhole> make() { return std::make_unique<Blackhole>(name(), config, context); }
  static std::string name() { return testing::UnitTest::GetInstance()->current_test_info()->name(); }
  BlackholeConfig config;
  HastyClock clock;
  Context context{clock};
};

TEST_F(BlackholeTest, KeepsWhatEverySinkPromises) {
  Catalog catalog;
  add_to(catalog);
  EXPECT_THAT(conformance::check_sink({.type = *catalog.sink("blackhole"), .fresh = [] { return Options{}; }}),
              IsEmpty());
}

TEST_F(BlackholeTest, CountsWhatItTakes) {
  auto sink = make();
  EXPECT_EQ(sink->deliver(events(10)).outcome, Outcome::done);
  EXPECT_EQ(sink->deliver(events(5)).outcome, Outcome::done);
  EXPECT_EQ(control(name())->delivered, 15u);
  EXPECT_EQ(control(name())->calls, 2u);
  EXPECT_GT(control(name())->bytes, 15u * 190);
}

TEST_F(BlackholeTest, ServesAtItsRateAndDelay) {
  config.rate = PerSecond{100};
  config.delay = std::chrono::milliseconds(500);
  auto sink = make();
  const auto before = clock.elapsed();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sink->deliver(events(50)).outcome, Outcome::done);
  EXPECT_GE(clock.elapsed() - before, std::chrono::seconds(3));
  EXPECT_LT(clock.elapsed() - before, std::chrono::milliseconds(4000));
}

TEST_F(BlackholeTest, HangsAfterSoManyEventsForSoLong) {
  config.stall_after = 20;
  config.stall_for = std::chrono::milliseconds(2500);
  auto sink = make();
  EXPECT_EQ(sink->deliver(events(20)).outcome, Outcome::done);
  const auto hanging = sink->deliver(events(1));
  EXPECT_EQ(hanging.outcome, Outcome::again);
  EXPECT_THAT(hanging.error.message, HasSubstr("hangs on purpose"));
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::again);
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::done);
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::done);
}

TEST_F(BlackholeTest, IsHeldUpAndMadeToFailByItsControl) {
  auto sink = make();
  auto* const switches = control(name());
  switches->stalled = true;
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::again);
  switches->stalled = false;
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::done);
  switches->failing = true;
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::again);
  EXPECT_EQ(switches->failed_calls, 1u);
  switches->failing = false;
  EXPECT_EQ(sink->deliver(events(1)).outcome, Outcome::done);
  EXPECT_EQ(switches->delivered, 2u);
}

TEST_F(BlackholeTest, FailsAsOftenAsItIsTold) {
  config.error_rate = 0.25;
  config.error = BlackholeConfig::Error::failed;
  auto sink = make();
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += sink->deliver(events(1)).outcome == Outcome::failed;
  EXPECT_NEAR(failed, 250, 50);
}

TEST_F(BlackholeTest, RefusesSingleEventsInAscendingOrder) {
  config.error_rate = 0.5;
  config.error = BlackholeConfig::Error::refused;
  auto sink = make();
  Delivered two(batch_of(json_events("a", 500), 1));
  two.add(batch_of(json_events("b", 500), 1000));
  const auto delivery = sink->deliver(two);
  EXPECT_EQ(delivery.outcome, Outcome::done);
  EXPECT_NEAR(static_cast<double>(delivery.refused.size()), 500, 80);
  EXPECT_TRUE(std::ranges::is_sorted(delivery.refused, {}, [](const auto& r) { return std::pair(r.batch, r.event); }));
  EXPECT_EQ(control(name())->delivered + control(name())->refused, 1000u);
}

TEST_F(BlackholeTest, EndsEveryWaitWhenClosed) {
  ManualClock still;
  Context standing(still);
  config.delay = std::chrono::hours(1);
  Blackhole sink(name(), config, standing);
  std::thread closer([&] {
    while (control(name())->calls == 0) std::this_thread::yield();
    sink.close();
  });
  EXPECT_EQ(sink.deliver(events(1)).outcome, Outcome::again);
  closer.join();
}

TEST_F(BlackholeTest, ClaimsTheAckItIsTold) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  EXPECT_EQ(catalog.sink("blackhole")->ack(options), SinkAck::received);
  options.set("pretend", std::string("durable"));
  EXPECT_EQ(catalog.sink("blackhole")->ack(options), SinkAck::durable);
  options.set("pretend", std::string("sent"));
  EXPECT_EQ(catalog.sink("blackhole")->ack(options), SinkAck::sent);
}

TEST(BlackholeControl, IsTheSameForOneNameAndBounded) {
  EXPECT_EQ(control("same"), control("same"));
  EXPECT_NE(control("same"), control("other"));
  for (int i = 0; i < 100; ++i) control("n" + std::to_string(i));
  EXPECT_EQ(control("one too many"), nullptr);
  EXPECT_NE(control("same"), nullptr);
}

}  // namespace
}  // namespace weir::blackhole
