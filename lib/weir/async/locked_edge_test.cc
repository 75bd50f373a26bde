#include <weir/async/locked_edge.h>
#include <weir/flow/queue/parcel_for_test.h>

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace weir::async {
namespace {

using flow::parcel;
using flow::Parcel;
using flow::WhenFull;
using testing::ElementsAre;

constexpr TimePoint now{std::chrono::hours(1)};

/// Ten events; pauses at eight, resumes at two.
struct LockedEdgeTest : testing::Test {
  flow::EdgeConfig config{.bound = {10, 1000_B}};
  std::unique_ptr<LockedEdge<Parcel>> edge;
  flow::DroppedItems<Parcel> dropped;

  void make(WhenFull when_full = WhenFull::block) {
    config.when_full = when_full;
    edge = std::make_unique<LockedEdge<Parcel>>(config, 1);
  }
  std::uint64_t push(std::uint32_t events, Priority priority = Priority::normal) {
    const std::lock_guard lock(*edge);
    return edge->push(parcel(1, events, priority, now), now, dropped).load().events;
  }
  std::vector<std::uint64_t> take(Load most) {
    std::vector<std::uint64_t> sizes;
    const std::lock_guard lock(*edge);
    edge->pop_all(most, now, [&](const Parcel& p) { sizes.push_back(p.load().events); }, dropped);
    return sizes;
  }
  ~LockedEdgeTest() override {
    if (!edge) return;
    const std::lock_guard lock(*edge);
    edge->drain([](const Parcel&) {});
  }
};

TEST_F(LockedEdgeTest, ShowsWithoutTheLockThatItIsPausedAndThatItIsNotAnyMore) {
  make();
  push(7);
  EXPECT_FALSE(edge->paused(Priority::normal));
  push(1);
  EXPECT_TRUE(edge->paused(Priority::normal));
  take({5, 1_KiB});
  EXPECT_TRUE(edge->paused(Priority::normal)) << "between the marks it stays as it was";
  take({1, 1_KiB});
  EXPECT_FALSE(edge->paused(Priority::normal));
}

TEST_F(LockedEdgeTest, PausesThoseWhoMayNotEnterTheReservedPartBeforeThoseWhoMay) {
  config.reserved_for_high = 0.2;
  make();
  push(8);
  EXPECT_TRUE(edge->paused(Priority::batch));
  EXPECT_TRUE(edge->paused(Priority::normal));
  EXPECT_FALSE(edge->paused(Priority::high));
  EXPECT_FALSE(edge->paused(Priority::critical));
  push(2, Priority::high);
  EXPECT_TRUE(edge->paused(Priority::high));
  EXPECT_TRUE(edge->paused(Priority::critical));
}

TEST_F(LockedEdgeTest, PausesNobodyWhereFullMeansDropAndNobodyWhileItReadsOn) {
  make(WhenFull::drop_newest);
  push(12);
  EXPECT_EQ(dropped.size(), 1u);
  EXPECT_TRUE(edge->sheds());
  EXPECT_FALSE(edge->paused(Priority::normal));

  config.when_full = WhenFull::block;
  std::unique_lock lock(*edge);
  edge->reconfigure(config);
  EXPECT_FALSE(edge->sheds());
  EXPECT_TRUE(edge->paused(Priority::normal)) << "a policy that waits pauses at once what is full already";
  EXPECT_TRUE(edge->read_on(true));
  EXPECT_FALSE(edge->paused(Priority::normal));
  EXPECT_FALSE(edge->read_on(true)) << "nothing changed";
  EXPECT_TRUE(edge->read_on(false));
  EXPECT_TRUE(edge->paused(Priority::normal));
}

TEST_F(LockedEdgeTest, TakesAsMuchAsIsAskedForUnderOneLock) {
  make();
  push(2);
  push(2);
  push(2);
  EXPECT_THAT(take({5, 1_KiB}), ElementsAre(2, 2, 1));
  EXPECT_THAT(take({5, 1_KiB}), ElementsAre(1));
  EXPECT_THAT(take({5, 1_KiB}), ElementsAre());
}

TEST_F(LockedEdgeTest, WhenClosedItGivesWhatWaitsAndEndsWhatComesCountingBoth) {
  make();
  push(3);
  std::unique_lock lock(*edge);
  edge->close();
  EXPECT_EQ(edge->room_for(parcel(1, 1)), 0u);
  EXPECT_TRUE(edge->spare_room(Priority::normal).empty());
  lock.unlock();
  EXPECT_EQ(push(2), 0u) << "all of it has its end";
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped.front().reason, Reason::shutdown);
  EXPECT_THAT(take({5, 1_KiB}), ElementsAre(3));
  lock.lock();
  const auto stats = edge->stats();
  EXPECT_EQ(stats.offered.events, 5u);
  EXPECT_EQ(stats.delivered.events, 3u);
  EXPECT_EQ(stats.dropped[static_cast<std::size_t>(Reason::shutdown)], 2u);
}

TEST_F(LockedEdgeTest, OneWhoLocksTwoGivesBothTheSamePrefix) {
  make();
  LockedEdge<Parcel> other(config, 1);
  std::atomic<bool> done = false;
  std::thread consumer([&] {  // takes from one only, so that their rooms differ all the time
    while (!done) take({3, 1_KiB});
  });
  std::uint64_t sent = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::scoped_lock locks(*edge, other);
    const auto n = std::min(edge->room_for(parcel(1, 4)), other.room_for(parcel(1, 4)));
    sent += n;
    if (n > 0) {
      EXPECT_TRUE(edge->push(parcel(1, n, Priority::normal, now), now, dropped).load().empty());
      EXPECT_TRUE(other.push(parcel(1, n, Priority::normal, now), now, dropped).load().empty());
    }
    other.pop_all({2, 1_KiB}, now, [](const Parcel&) {}, dropped);
  }
  done = true;
  consumer.join();
  const std::scoped_lock locks(*edge, other);
  EXPECT_EQ(edge->stats().offered.events, sent);
  EXPECT_EQ(other.stats().offered.events, sent);
  other.drain([](const Parcel&) {});
}

}  // namespace
}  // namespace weir::async
