// From a stalled sink back to its source, in given time: how long until it pauses, how long until it resumes, how
// often.
#include <gtest/gtest.h>

#include "log/log.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

// 1 000 events a second into a line of 512; the sink takes up to 20 events each 10 ms when it is well.
struct Course {
  Course() : harness(graph()) { log::set_level(log::Level::off); }
  static model::Graph graph() {
    model::Graph g = fan_out(1, 512);
    g.sinks[0].most = {20, 1_MiB};
    g.sinks[0].failures_to_open = 0;  // off
    return g;
  }
  /// One millisecond. True: the source was let read.
  bool tick() {
    harness.clock.advance(1ms);
    const bool reads = !harness.output->paused(Priority::normal) && harness.output->ready(Priority::normal);
    if (reads) harness.add(1);
    harness.turn();
    if (++ticks % 10 == 0) {
      harness.work();
      harness.step();
    }
    harness.turn();
    EXPECT_LE(harness.waiting(), 512u);
    return reads;
  }
  /// Milliseconds until the source is (or is not) let read.
  int until(bool reads) {
    for (int ms = 1; ms < 100'000; ++ms)
      if (tick() == reads) return ms;
    return -1;
  }
  Harness harness;
  int ticks = 0;
};

TEST(Pressure, TravelsFromAStalledSinkToTheSourceAndBackOnce) {
  Course course;
  for (int i = 0; i < 2000; ++i) EXPECT_TRUE(course.tick()) << "a sink that keeps up pauses nobody";
  course.harness.behave(0, Behaviour::Kind::again);
  const int to_pause = course.until(false);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(course.tick());
  const auto stalled = course.harness.sink(0).queue.stats();
  course.harness.behave(0, Behaviour::Kind::ok);
  const int to_resume = course.until(true);
  for (int i = 0; i < 2000; ++i) course.tick();
  const auto stats = course.harness.sink(0).queue.stats();
  std::cout << "source paused " << to_pause << " ms after the stall, resumed " << to_resume << " ms after recovery; "
            << stats.pauses << " pause, " << stats.resumes << " resume, at most " << stats.max_waiting.events
            << " of 512 waited\n";
  EXPECT_NEAR(to_pause, 410, 30) << "80 % of 512 at 1 event a millisecond";
  EXPECT_GT(to_resume, 0);
  EXPECT_LE(stalled.max_waiting.events, 512u);
  EXPECT_EQ(stats.pauses, 1u) << "no flapping";
  EXPECT_EQ(stats.resumes, 1u);
}

TEST(Pressure, AReloadedBatchSizeMovesTheFloorOfABoundThatIsSizedByTime) {
  config::Sink sink;
  sink.name = "slow";
  sink.queue.bound = {1000, 1_MiB};
  sink.queue.max_wait = 1ms;
  sink.batch.most.events = 1;
  Ids ids{1};
  const ManualClock clock;
  const Context context(clock);
  SinkNode node(sink, ids, context, 0, 1);
  const auto bound = [&] { return node.queue.pressure(TimePoint{1s}).bound.events; };
  node.served(10, 10s);  // one a second: the time alone would leave no room at all
  EXPECT_EQ(bound(), 1u) << "one batch for its worker";
  sink.batch.most.events = 20;
  node.reconfigure(sink);
  EXPECT_EQ(bound(), 20u);
}

}  // namespace
}  // namespace weir::pipeline
