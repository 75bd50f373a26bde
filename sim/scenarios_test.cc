// A small part of what `make limits-table` prints, with bounds: the adaptive limit on services that it is not told of.
#include "scenarios.h"

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

const Limiter& adaptive() { return limiter("adaptive"); }
const Limiter& known() { return limiter("knows the slots"); }

TEST(AdaptiveLimitScenarios, EightExponentialSlotsAreUsedWhateverTheLoad) {
  for (const double load : {1.0, 1.4, 10.0}) {
    const StepFigures f = step(adaptive(), {}, load, 2s, 10s, 501);
    EXPECT_GE(f.goodput, load == 1.0 ? 0.95 : 0.97) << load;
    EXPECT_LE(f.p99, 105ms) << load;
    EXPECT_LE(f.in_vain, 100ms) << load;
    EXPECT_GE(f.critical, 0.999) << load;
  }
}

TEST(AdaptiveLimitScenarios, CriticalOnesPassInASpikeOfTheOthers) {
  const SpikeFigures f = spike(adaptive(), {}, 501);
  EXPECT_GE(f.critical, 0.999);
  EXPECT_LE(f.critical_p99, 60ms);
}

TEST(AdaptiveLimitScenarios, AStallIsRefusedAtOnceAndOverAtOnce) {
  const StallFigures f = stall(adaptive(), {}, 501);
  EXPECT_LE(f.back, 500ms);
  EXPECT_LE(f.in_vain, 100ms);
}

TEST(AdaptiveLimitScenarios, HalfOfTheServiceIsUsedWhole) {
  const HalfFigures slow = slower(adaptive(), {}, 501), few = fewer(adaptive(), {}, 501);
  EXPECT_GE(slow.goodput, 0.97);
  EXPECT_LE(slow.p99, 160ms);
  EXPECT_LE(slow.back, 1s);
  EXPECT_GE(few.goodput, 0.97);
  EXPECT_LE(few.p99, 150ms);
  EXPECT_LE(few.back, 1s);
}

/// Others take what lasts for usual, and raise the limit in the middle of it.
TEST(AdaptiveLimitScenarios, AnIncidentThatLastsDoesNotRaiseTheLimit) {
  for (const bool sharing : {false, true}) {
    const ServiceShape shape{.sharing = sharing};
    const double slower = sharing ? 3 : 10, capacity = shape.capacity();
    const sim::Setup setup{.service = shape,
                           .traffic = {{.spans = {{48s, 0.8 * capacity}}, .mix = {0, 0, 1}}},
                           .changes = {{8s, Change::Kind::slower, slower}},
                           .measured_from = 20s,
                           .measured_until = 48s,
                           .end = 48s};
    const sim::Run run = sim::run(setup, adaptive().make(shape));
    EXPECT_LE(run.mean_limit, sharing ? 20 : 14) << sharing;
    EXPECT_GE(figures(run, 20s, 48s).good / 28, 0.95 * capacity / slower) << sharing;
  }
}

TEST(AdaptiveLimitScenarios, DoubledSlotsAreFoundWithinFiveSeconds) { EXPECT_GE(grow(adaptive(), {}, 501), 1.45); }

TEST(AdaptiveLimitScenarios, RetriesDoNotMakeAStorm) {
  const StormFigures f = storm(adaptive(), {}, 501);
  EXPECT_GE(f.goodput, 0.97);
  EXPECT_LE(f.attempts, 1.35);
}

TEST(AdaptiveLimitScenarios, ATenantBelowItsShareDoesNotFeelOneThatFloods) {
  const TenantFigures f = tenants(adaptive(), {}, 501);
  EXPECT_GE(f.polite, 0.99);
  EXPECT_GE(f.goodput, 0.97);
}

TEST(AdaptiveLimitScenarios, ALowLoadIsNeverRefused) { EXPECT_EQ(low(adaptive(), {}, 501), 0); }

TEST(AdaptiveLimitScenarios, ConstantTimesAreFoundToo) {
  const ServiceShape shape{.times = Times::constant};
  EXPECT_GE(step(adaptive(), shape, 1.0, 3s, 10s, 501).goodput, 0.97);
  const StepFigures f = step(adaptive(), shape, 10.0, 3s, 10s, 501);
  EXPECT_GE(f.goodput, 0.98);
  EXPECT_GE(f.limit, 8);
  EXPECT_LE(f.limit, 14);
}

TEST(AdaptiveLimitScenarios, CoresThatAreSharedAreFoundToo) {
  const ServiceShape shape{.sharing = true};
  for (const double load : {1.4, 10.0}) {
    const StepFigures f = step(adaptive(), shape, load, 2s, 10s, 501);
    EXPECT_GE(f.goodput, 0.95) << load;
    EXPECT_LE(f.p99, 180ms) << load;
    EXPECT_LE(f.limit, 24) << load;
  }
}

TEST(AdaptiveLimitScenarios, SmallAndLargeServicesAreNearWhatOneThatKnowsThemDoes) {
  for (const ServiceShape& shape : {ServiceShape{.slots = 2, .mean = 1ms}, ServiceShape{.slots = 64, .mean = 10ms},
                                    ServiceShape{.slots = 64, .mean = 10ms, .times = Times::lognormal}}) {
    const double mine = step(adaptive(), shape, 1.4, 2s, 4s, 501).goodput;
    EXPECT_GE(mine, step(known(), shape, 1.4, 2s, 4s, 501).goodput - 0.03) << shape.slots;
  }
}

TEST(AdaptiveLimitScenarios, ASeedGivesTheSameRunEveryTime) {
  const StepFigures a = step(adaptive(), {}, 2, 1s, 3s, 7), b = step(adaptive(), {}, 2, 1s, 3s, 7);
  EXPECT_EQ(a.goodput, b.goodput);
  EXPECT_EQ(a.p99, b.p99);
  EXPECT_EQ(a.limit, b.limit);
  EXPECT_NE(a.limit, step(adaptive(), {}, 2, 1s, 3s, 8).limit);
}

}  // namespace
}  // namespace weir::sim
