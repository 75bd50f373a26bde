#include <weir/flow/checks_for_test.h>
#include <weir/flow/queue/delay_gate.h>
#include <weir/flow/queue/edge.h>
#include <weir/flow/queue/parcel_for_test.h>

namespace weir::flow {
namespace {

void make_edge(const EdgeConfig& config) { const Edge<Parcel> edge(config, 1); }
void reconfigure_edge(const EdgeConfig& config) { Edge<Parcel>(EdgeConfig{}, 1).reconfigure(config); }

TEST(EdgeConfig, TheDefaultsAndTheExtremesThatMeanSomethingAreTaken) {
  EXPECT_FALSE(check(EdgeConfig{}));
  EXPECT_FALSE(check(CodelConfig{}));
  EXPECT_FALSE(check(EdgeConfig{.max_wait = Duration{1}, .expire_after = longest_duration}));
}

TEST(EdgeConfig, RefusesDurationsThatAreNone) {
  for (const Duration wrong : wrong_durations())
    for (auto* const make : {make_edge, reconfigure_edge}) {
      expect_refused("max_wait", EdgeConfig{.max_wait = wrong}, make);
      expect_refused("age_boost", EdgeConfig{.age_boost = wrong}, make);
      expect_refused("codel.target", EdgeConfig{.codel = CodelConfig{.target = wrong}}, make);
      expect_refused("codel.interval", EdgeConfig{.codel = CodelConfig{.interval = wrong}}, make);
      expect_refused("expire_after", EdgeConfig{.expire_after = wrong}, make);
    }
}

TEST(EdgeConfig, RefusesSharesThatAreNone) {
  for (const double wrong : wrong_numbers(Zero::allowed)) {
    expect_refused("pause_at", EdgeConfig{.pause_at = wrong}, make_edge);
    expect_refused("resume_at", EdgeConfig{.resume_at = wrong}, make_edge);
    expect_refused("reserved_for_high", EdgeConfig{.reserved_for_high = wrong}, make_edge);
    expect_refused("dead_letter_shed", EdgeConfig{.dead_letter_shed = wrong}, make_edge);
  }
}

TEST(EdgeConfig, WhatWasRefusedChangesNothing) {
  Edge<Parcel> edge({.bound = {10, 1_KiB}}, 1);
  EXPECT_THROW(edge.reconfigure({.bound = {99, 1_KiB}, .age_boost = Duration{0}}), std::invalid_argument);
  EXPECT_EQ(edge.bound_events(), 10u);
}

TEST(EdgeConfig, CodelAndTheDelayGateAreMadeOfTheSame) {
  for (const Duration wrong : wrong_durations()) {
    expect_refused("target", CodelConfig{.target = wrong}, [](const CodelConfig& c) { const Codel codel(c); });
    expect_refused("interval", CodelConfig{.interval = wrong}, [](const CodelConfig& c) { Codel().reconfigure(c); });
    expect_refused("target", CodelConfig{.target = wrong}, [](const CodelConfig& c) { const DelayGate gate(c); });
    expect_refused("interval", CodelConfig{.interval = wrong},
                   [](const CodelConfig& c) { DelayGate().reconfigure(c); });
  }
}

}  // namespace
}  // namespace weir::flow
