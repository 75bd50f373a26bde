// The ALICE method: a journal at work loses power after any step, and whatever the disk may hold then is opened and
// judged. power_harness_for_test.h says what is judged.
#include <gtest/gtest.h>

#include <iostream>

#include "journal/power_harness_for_test.h"

namespace weir::journal {
namespace {

constexpr std::uint64_t usually = 1200;  // histories; with WEIR_POWER_SECONDS as many as that time allows

void expect_sound(std::string_view what, const std::function<void(Trial&)>& set_up) {
  const auto time = power_time();
  const auto verdict = time ? play(*time, UINT64_MAX, set_up) : play(std::chrono::minutes(10), usually, set_up);
  EXPECT_EQ(verdict.problem, "");
  EXPECT_GT(verdict.histories, 100u);
  std::cout << what << ": " << verdict.histories << " histories of " << verdict.runs << " runs judged\n";
}

TEST(PowerLoss, LosesNothingThatWasAnsweredAndInventsNothing) {
  expect_sound("commit", [](Trial&) {});
}

TEST(PowerLoss, LosesNothingThatWasAnsweredAfterSyncsAndRenamesHaveFailed) {
  expect_sound("commit with faults", [](Trial& trial) {
    trial.kills = false;
    trial.faults = true;
  });
}

TEST(PowerLoss, LosesWithIntervalOnlyWhatCameAfterTheLastSync) {
  expect_sound("interval", [](Trial& trial) { trial.config.durability = Durability::interval; });
}

TEST(PowerLoss, KeepsOrderAndInventsNothingWithNone) {
  expect_sound("none", [](Trial& trial) { trial.config.durability = Durability::none; });
}

}  // namespace
}  // namespace weir::journal
