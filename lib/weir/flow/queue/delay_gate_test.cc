#include <gtest/gtest.h>
#include <weir/flow/queue/delay_gate.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(DelayGate, RefusesWhatWaitedTwiceTheTargetAfterAnIntervalInWhichEverybodyWaited) {
  DelayGate gate;
  TimePoint now{1h};
  const auto refuses = [&](Duration later, Duration delay) { return gate.refuses(delay, now += later); };
  EXPECT_FALSE(refuses(110ms, 100ms));
  EXPECT_FALSE(refuses(90ms, 50ms));
  EXPECT_FALSE(refuses(10ms, 50ms)) << "the first of an interval never";
  EXPECT_TRUE(refuses(0ms, 50ms));
  EXPECT_FALSE(refuses(110ms, 2ms)) << "the first of an interval never";
  EXPECT_TRUE(refuses(90ms, 20ms)) << "the interval before was bad";
  EXPECT_FALSE(refuses(10ms, 20ms));
  EXPECT_FALSE(refuses(0ms, 20ms)) << "the interval before had one that waited 2 ms";
}

TEST(DelayGate, NeverRefusesASingleRequestAnInterval) {
  DelayGate gate;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(gate.refuses(10s, TimePoint(1h) + i * 101ms));
}

TEST(DelayGate, LetsShortWaitsPassWhileOverloaded) {
  DelayGate gate;
  const TimePoint now{1h};
  gate.refuses(50ms, now);
  gate.refuses(50ms, now + 101ms);
  EXPECT_TRUE(gate.refuses(11ms, now + 102ms));
  EXPECT_FALSE(gate.refuses(10ms, now + 103ms));
}

TEST(DelayGate, ItsLoadIsTheShareOfTwiceTheTarget) {
  const TimePoint now{1h};
  for (const auto& [delay, load] : {std::pair{10ms, 1.0}, {7ms, 0.7}, {2ms, 0.2}, {30ms, 1.0}}) {
    DelayGate gate;
    gate.refuses(delay, now);
    EXPECT_DOUBLE_EQ(gate.load(), load);
  }
}

}  // namespace
}  // namespace weir::flow
