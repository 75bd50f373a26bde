// Every barrier of the journal is needed: without any one of them the suite of power_loss_test.cc finds a violation.
// A barrier that is not found here is to be taken out of the log, or what the suite judges is too weak.
#include <gtest/gtest.h>

#include <iostream>

#include "journal/power_harness_for_test.h"

namespace weir::journal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds at_most{60'000};  // each; found ones take a few milliseconds

std::set<std::string> barriers_of_commit() {
  return play(milliseconds(1500), UINT64_MAX, [](Trial& trial) { trial.one_in = 1'000'000; }).barriers;
}

void expect_found(const std::string& what, const std::function<void(Trial&)>& set_up) {
  const auto verdict = play(at_most, UINT64_MAX, set_up);
  EXPECT_NE(verdict.problem, "") << what << ": nobody misses it in " << verdict.histories << " histories";
  std::cout << what << ": " << (verdict.problem.empty() ? "NOT FOUND" : "found") << " after " << verdict.histories
            << " histories (" << verdict.problem << ")\n";
}

TEST(Barrier, EachOneIsNeededForWhatACommitPromises) {
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "one thread, and many times slower: shown without sanitizers";
#endif
  for (const auto& barrier : barriers_of_commit()) {
    if (barrier == "close") continue;  // there is nothing left to sync
    expect_found(barrier, [&](Trial& trial) { trial.ignored = barrier; });
  }
}

TEST(Barrier, EachOneOfIntervalIsNeededForWhatIntervalPromises) {
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "one thread, and many times slower: shown without sanitizers";
#endif
  for (const auto* barrier : {"interval", "close", "end of a segment"})
    expect_found(barrier, [&](Trial& trial) {
      trial.config.durability = Durability::interval;
      trial.ignored = barrier;
    });
}

TEST(Barrier, GivingUpASegmentBeforeTheCursorIsSavedIsFound) {
  expect_found("a cursor that is synced after segments were given up", [](Trial& trial) { trial.put_off = "cursor"; });
}

TEST(Barrier, AnAnswerBeforeTheSyncIsFound) {
  expect_found("an answer before the sync", [](Trial& trial) { trial.ack_early = true; });
}

}  // namespace
}  // namespace weir::journal
