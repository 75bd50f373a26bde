#include <weir/flow/admit/machine_pressure.h>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start = TimePoint(1000s);
constexpr MachinePressureConfig config{.thresholds = {0.9, 0.5, 0, 0.8}};

MachineReading memory_at(double part) { return {part, 0.1, std::nullopt, 0.1}; }

TEST(MachinePressure, ShedsTheLowestPriorityFirstAndNeverWhatIsCritical) {
  MachinePressure pressure(config);
  pressure.look(memory_at(0.95), start);
  EXPECT_TRUE(pressure.sheds(Priority::batch));
  EXPECT_FALSE(pressure.sheds(Priority::low));
  for (int s = 1; s < 20; ++s) pressure.look(memory_at(0.95), start + s * 1s);
  EXPECT_TRUE(pressure.sheds(Priority::high));
  EXPECT_FALSE(pressure.sheds(Priority::critical));
  EXPECT_EQ(pressure.facts().most, MachineResource::memory);
}

TEST(MachinePressure, MovesOneStepAtATimeAndGoesBackBelowItsRelease) {
  MachinePressure pressure(config);
  for (int ms = 0; ms < 900; ms += 100) pressure.look(memory_at(0.95), start + ms * 1ms);
  EXPECT_EQ(pressure.facts().refused_below, 1);
  pressure.look(memory_at(0.85), start + 5s);
  EXPECT_EQ(pressure.facts().refused_below, 1) << "between 0.9 and 1 of its threshold it stays";
  pressure.look(memory_at(0.5), start + 6s);
  EXPECT_EQ(pressure.facts().refused_below, 0);
}

TEST(MachinePressure, WhatCannotBeReadIsNeitherPressureNorItsAbsence) {
  MachinePressure pressure(config);
  pressure.look(memory_at(0.95), start);
  for (int s = 1; s < 9; ++s) pressure.look({}, start + s * 1s);
  EXPECT_TRUE(pressure.sheds(Priority::batch));
  pressure.look({std::nullopt, 0.1, std::nullopt, std::nullopt}, start + 9s);
  EXPECT_FALSE(pressure.sheds(Priority::batch)) << "what can be read decides";
}

TEST(MachinePressure, WhatHasNoThresholdIsNotLookedAt) {
  MachinePressure pressure(config);
  pressure.look({0.1, 0.1, 1000.0, 0.1}, start);
  EXPECT_FALSE(pressure.sheds(Priority::batch));
}

TEST(MachinePressure, RefusesThresholdsThatCannotBe) {
  EXPECT_TRUE(check(MachinePressureConfig{.thresholds = {-1, 1, 1, 1}}));
  EXPECT_TRUE(check(MachinePressureConfig{.release = 1}));
  EXPECT_FALSE(check(MachinePressureConfig{}));
}

}  // namespace
}  // namespace weir::flow
