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
  s.destination.breaker = flow::BreakerState::open;
  s.blocked_for = 3s;
  s.failing = true;
  s.last_error = "connection refused";
  EXPECT_EQ(describe(s), "queue 512/512 events <- breaker open, next probe in 3.0 s <- connection refused");
}

TEST(Describe, NamesTheTighterBound) {
  SinkStatus s = full();
  s.pressure.waiting = {10, 32_MiB};
  EXPECT_EQ(describe(s).substr(0, 21), "queue 32768/32768 KiB");
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
