#include "pipeline/report/status.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

SinkStatus full() {
  SinkStatus s;
  s.pressure.waiting = {512, 1_MiB};
  s.pressure.bound = {512, 32_MiB};
  s.pressure.fill = 1;
  s.workers = 1;
  return s;
}

TEST(Describe, SaysHowFastASlowSinkIs) {
  SinkStatus s = full();
  s.pressure.service_rate = PerSecond{200};
  EXPECT_EQ(describe(s), "queue 512/512 events <- serves 200 events/s");
}

TEST(Describe, SaysWhatABrokenSinkWaitsFor) {
  SinkStatus s = full();
  s.hold.breaker_open = true;
  s.hold.blocked_for = 3s;
  s.hold.failing = true;
  s.last_error = "connection refused";
  EXPECT_EQ(describe(s), "queue 512/512 events <- breaker open, next probe in 3.0 s <- connection refused");
}

TEST(Describe, NamesTheTighterBound) {
  SinkStatus s = full();
  s.pressure.waiting = {10, 32_MiB};
  EXPECT_EQ(describe(s).substr(0, 21), "queue 32768/32768 KiB");
}

TEST(Describe, SaysThatNothingCanBeSpilled) {
  SinkStatus s = full();
  s.spill.emplace();
  s.spill->bytes = 3_MiB;
  s.spill->error = "cannot write /spill/1: no space left";
  s.spill->events = 10;
  EXPECT_EQ(describe(s, Reader::clients), "queue 512/512 events, 3.0 MiB spilled <- cannot spill") << "a slow sink";
  s.hold.cannot_spill = true;
  EXPECT_EQ(s.hold.cause(), Reason::disk_full);
  EXPECT_EQ(describe(s, Reader::clients), "queue 512/512 events, 3.0 MiB spilled <- cannot spill <- disk full");
  EXPECT_NE(describe(s).find("/spill/1: no space left"), std::string::npos);
}

TEST(State, SaysOfASinkThatNothingHoldsUpWhetherItKeepsUp) {
  SinkStatus s = full();
  s.pressure.paused = true;
  EXPECT_EQ(state_of(s), "readers are paused");
  s.pressure.paused = false;
  EXPECT_EQ(state_of(s), "behind") << "more than half full";
  s.pressure.fill = 0.2;
  EXPECT_EQ(state_of(s), "keeps up");
  s.backlog = "16000 events behind";
  EXPECT_EQ(state_of(s), "behind");
  s.backlog.clear();
  s.pressure.waiting = {};
  EXPECT_EQ(state_of(s), "idle");
  s.in_hand = 1;
  EXPECT_EQ(state_of(s), "keeps up");
  s.hold.breaker_open = true;
  EXPECT_EQ(state_of(s), "held up") << "whatever its queue looks like";
}

TEST(State, ABacklogIsWhatAJournalHoldsAndTheQueueHasNot) {
  std::vector<JournalStatus> journals(1);
  journals[0].name = "ingest";
  JournalStatus::Consumer reader;
  reader.name = "out";
  reader.lag_events = 16'000;
  reader.lag = 35s;
  journals[0].consumers.push_back(reader);
  SinkStatus s = full();
  EXPECT_EQ(backlog_of(s, journals, "ingest", "out"), "16000 events (0.0 MiB, 35 s) behind in journal ingest");
  journals[0].consumers[0].lag_events = 512;
  EXPECT_EQ(backlog_of(s, journals, "ingest", "out"), "") << "all of it is in the queue";
  journals[0].consumers[0].lag_events = 16'000;
  journals[0].consumers[0].lag = 500ms;
  EXPECT_EQ(backlog_of(s, journals, "ingest", "out"), "") << "on its way";
}

TEST(Human, RoundsTimesForPeople) {
  EXPECT_EQ(human(250us), "250 us");
  EXPECT_EQ(human(40ms), "40 ms");
  EXPECT_EQ(human(3s), "3.0 s");
  EXPECT_EQ(human(45s), "45 s");
  EXPECT_EQ(human(300s), "5 min");
}

TEST(Ledger, NamesThePlaceThatSaysMoreLeftThanCame) {
  FlowStatus status;
  status.sources.resize(1);
  status.sources[0].name = "in";
  status.sources[0].node = {.in = 10, .emitted = 7};
  status.sinks.resize(1);
  status.sinks[0].name = "out";
  status.sinks[0].node = {.in = 5, .consumed = {6}};
  const auto ledger = status.ledger();
  EXPECT_EQ(ledger.in_transit, 3);
  EXPECT_EQ(ledger.worst, -1);
  EXPECT_EQ(ledger.where, "sink out");
}

}  // namespace
}  // namespace weir::pipeline
