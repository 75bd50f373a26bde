#include "pipeline/queue/sink_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

Batch events(std::uint32_t n, TimePoint received = TimePoint{1h}) {
  BatchBuilder builder({64_KiB, 1024});
  for (std::uint32_t i = 0; i < n; ++i) builder.add("event", nullptr);
  BatchInfo info;
  info.received = received;
  return builder.seal(info);
}

struct Listener final : RoomListener {
  void on_queue_room() noexcept override { ++calls; }
  int calls = 0;
};

struct SinkQueueTest : testing::Test {
  void make(flow::WhenFull policy = flow::WhenFull::block) {
    config.when_full = policy;
    queue = std::make_unique<SinkQueue>(0, "out", config, 1, 1);
    queue->add_listener(listener);
  }
  std::uint32_t push(std::uint32_t n) {
    Batch batch = events(n);
    const auto taken = queue->push_alone(batch, TimePoint{1h});
    if (!batch.empty()) batch.settle(Fate::abandoned);
    return taken;
  }
  void take(std::uint64_t n, TimePoint now = TimePoint{1h}) {
    std::vector<Batch> group;
    queue->try_take({n, 1_MiB}, now, group);
    for (Batch& batch : group) batch.settle(Fate::stored);
  }
  ~SinkQueueTest() override { queue->abandon(); }
  flow::EdgeConfig config{.bound = {10, 1_MiB}};
  std::unique_ptr<SinkQueue> queue;
  Listener listener;
};

TEST_F(SinkQueueTest, PausesAtTheHighMarkAndResumesAtTheLowOne) {
  make();
  push(7);
  EXPECT_FALSE(queue->paused(Priority::normal));
  push(1);
  EXPECT_TRUE(queue->paused(Priority::normal));
  take(5);
  EXPECT_TRUE(queue->paused(Priority::normal)) << "between the marks it stays as it was";
  take(1);
  EXPECT_FALSE(queue->paused(Priority::normal));
}

TEST_F(SinkQueueTest, WakesOnceAtTheEndOfAPauseAndOnlyWhoeverSaidThatItWaits) {
  make();
  push(10);
  take(1);
  EXPECT_EQ(listener.calls, 0);
  listener.arm();
  take(5);
  EXPECT_EQ(listener.calls, 0) << "still paused";
  take(2);
  EXPECT_EQ(listener.calls, 1);
  take(2);
  EXPECT_EQ(listener.calls, 1) << "once for each time it was armed";
}

TEST_F(SinkQueueTest, TakesThePrefixThatFits) {
  make();
  EXPECT_EQ(push(25), 10u);
  EXPECT_EQ(push(1), 0u);
  EXPECT_EQ(queue->stats().max_waiting.events, 10u);
}

TEST_F(SinkQueueTest, PausesNobodyWhereFullMeansDrop) {
  make(flow::WhenFull::drop_newest);
  EXPECT_EQ(push(25), 25u);
  EXPECT_FALSE(queue->paused(Priority::normal));
  EXPECT_EQ(queue->stats().dropped[static_cast<std::size_t>(Reason::drop_newest)], 15u);
}

TEST_F(SinkQueueTest, WakesForTheRoomThatExpiryMade) {
  config.expire_after = 1s;
  make();
  push(10);
  listener.arm();
  take(10, TimePoint{1h} + 2s);
  EXPECT_EQ(queue->stats().dropped[static_cast<std::size_t>(Reason::expired)], 10u);
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(SinkQueueTest, CountsWhatComesAfterItClosed) {
  make();
  queue->close();
  EXPECT_EQ(push(3), 0u);
  {
    std::lock_guard lock(*queue);
    EXPECT_TRUE(queue->push(events(3), TimePoint{1h}).empty());
  }
  take(1);
  EXPECT_EQ(queue->stats().offered.events, 3u);
  EXPECT_EQ(queue->stats().dropped[static_cast<std::size_t>(Reason::shutdown)], 3u);
}

TEST_F(SinkQueueTest, AnInterruptThatCameBeforeTheWaitEndsItAtOnce) {
  make();
  queue->interrupt();
  std::uint64_t seen = 0;
  queue->wait_interruptible(1h, seen);
  EXPECT_EQ(seen, 1u);
}

TEST_F(SinkQueueTest, AWorkerInBackoffDoesNotSwallowTheWakeUpOfAnother) {
  make();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> up{0};
    std::thread backoff([&] {
      std::uint64_t seen = static_cast<std::uint64_t>(round);
      ++up;
      queue->wait_interruptible(1h, seen);
    });
    std::thread idle([&] {
      std::uint64_t seen = static_cast<std::uint64_t>(round);
      ++up;
      queue->wait(1h, seen);  // a wake-up that was lost would keep it for an hour, and the test from ending
      take(10);
    });
    while (up < 2) std::this_thread::yield();
    for (int i = 0; i < 200; ++i) std::this_thread::yield();
    push(1);
    idle.join();
    queue->interrupt();
    backoff.join();
  }
}

}  // namespace
}  // namespace weir::pipeline
