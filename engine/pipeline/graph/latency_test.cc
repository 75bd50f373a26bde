// A sink with two workers, in given time: what its status says when one of them is slow, when both are, when none ends.
#include <gmock/gmock.h>

#include "log/log.h"
#include "pipeline/graph/harness_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Pair {
  Pair() : harness(graph()), other(harness.sink(0), model::scripted_sink(harness.side(0)), harness.context) {
    log::set_level(log::Level::off);
  }
  ~Pair() {
    other.abandon();
    harness.sink(0).queue.abandon();
    other.step();
  }
  static model::Graph graph() {
    model::Graph g = fan_out(1, 512);
    g.sinks[0].workers = 2;
    g.sinks[0].most = {1, 1_MiB};
    return g;
  }
  static void finish(Worker& worker) {
    while (worker.step().need == Worker::Need::nothing) {
    }
  }
  void arrive() {
    harness.add(1);
    harness.turn();
  }
  /// An event each 100 ms, which ends `time` later.
  void run(Duration length, Duration time) {
    for (const TimePoint end = harness.clock.now() + length; harness.clock.now() < end;
         harness.clock.advance(100ms - time)) {
      arrive();
      harness.clock.advance(time);
      finish(*harness.workers[0]);
    }
  }
  SinkStatus status() { return harness.flow->status().sinks[0]; }
  std::string latency() { return status().latency; }

  Harness harness;
  Worker other;
};

TEST(Pace, IsAsUsualForASinkThatIsWell) {
  Pair pair;
  EXPECT_EQ(pair.latency(), "not enough events to tell: none ended lately");
  pair.run(20s, 5ms);
  EXPECT_EQ(pair.latency(), "p50 5 ms, p99 5 ms; what is usual is not known yet");
  pair.run(40s, 5ms);
  EXPECT_EQ(pair.latency(), "p50 5 ms, p99 5 ms, as usual");
}

TEST(Pace, CallsASubsetStuckWhenOneOfTwoWorkersIsSlow) {
  Pair pair;
  pair.run(1min, 5ms);
  for (int i = 0; i < 10; ++i) {
    pair.arrive();
    pair.other.step();  // takes it, and is slow with it
    pair.run(2s, 5ms);
    Pair::finish(pair.other);
  }
  EXPECT_THAT(pair.latency(),
              HasSubstr("p99 2.0 s (usual 5 ms) but p50 still 5 ms: a subset is stuck, look at what one of "
                        "its 2 workers, key, host or kind of event has"));
}

TEST(Pace, CallsASubsetStuckWhenOneOfTwoWorkersHangs) {
  Pair pair;
  pair.run(1min, 5ms);
  pair.arrive();
  pair.other.step();
  pair.run(40s, 5ms);
  EXPECT_THAT(pair.latency(),
              HasSubstr("a delivery has been under way for 40 s while others end (p50 5 ms, p99 5 ms): a "
                        "subset is stuck"));
  Pair::finish(pair.other);
  pair.run(1min, 5ms);
  EXPECT_EQ(pair.latency(), "p50 5 ms, p99 5 ms, as usual");
}

TEST(Pace, CallsItSystemicWhenTheWholeSinkIsSlow) {
  Pair pair;
  pair.run(1min, 5ms);
  pair.run(20s, 80ms);
  EXPECT_THAT(pair.latency(),
              HasSubstr("p50 80 ms (usual 5 ms) and p99 80 ms (usual 5 ms): systemic, the whole of it is "
                        "slow; look at what it delivers to"));
}

TEST(Pace, LooksAtTheSinkQueueWhenItIsTheWaitingThatIsSlow) {
  Pair pair;
  pair.run(1min, 5ms);
  for (int i = 0; i < 10; ++i) pair.arrive();
  for (int i = 0; i < 200; ++i) {  // ten wait in front of each
    pair.arrive();
    pair.harness.clock.advance(100ms);
    pair.harness.step(), pair.harness.step();
  }
  EXPECT_THAT(pair.latency(), HasSubstr("p50 1.1 s (usual 5 ms)"));
  EXPECT_THAT(pair.latency(),
              HasSubstr("systemic, the whole of it is slow; look at how much comes and how fast it serves"));
}

TEST(Pace, SaysThatNothingEndsWhenNothingDoes) {
  Pair pair;
  pair.run(1min, 5ms);
  pair.harness.behave(0, Behaviour::Kind::again);
  for (int i = 0; i < 30; ++i) {
    pair.arrive();
    pair.harness.clock.advance(100ms);
    pair.harness.work();
  }
  EXPECT_EQ(pair.latency(), "nothing ends: the oldest event has been here for 2.9 s (usual p99 5 ms)");
}

}  // namespace
}  // namespace weir::pipeline
