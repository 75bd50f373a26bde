// The same channel between threads: nothing lost, nothing doubled, order kept, and nobody left asleep.
#include <weir/async/channel.h>
#include <weir/async/coroutines_for_test.h>
#include <weir/flow/queue/parcel_for_test.h>

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <thread>

namespace weir::async {
namespace {

using flow::parcel;
using flow::Parcel;
using flow::WhenFull;
using namespace std::chrono_literals;

constexpr std::uint64_t per_producer = 6'000;
constexpr std::uint64_t producer_base = 1'000'000'000;
constexpr Load anything{1'000'000, 1_GiB};

struct ChannelThreads : testing::Test {
  Context context;
  std::atomic<std::uint64_t> lost = 0;

  Channel<Parcel> channel{{{.bound = {16, 1_MiB}, .when_full = WhenFull::block}, 64},
                          context,
                          [this](const Parcel& p, Reason) { lost += p.load().events; }};

  // What one consumer saw: the numbers of each producer, which must rise.
  struct Seen {
    std::map<std::uint64_t, std::uint64_t> last;
    std::uint64_t count = 0;
    bool in_order = true;
    void add(const Parcel& p) {
      for (const auto& event : p.events) {
        auto& before = last[event.id / producer_base];
        in_order = in_order && event.id > before;
        before = event.id;
        ++count;
      }
    }
  };

  Parcel nth(std::uint64_t producer, std::uint64_t& next) const {
    const auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(1 + next % 5, per_producer - next));
    Parcel p = parcel(producer * producer_base + next + 1, n, Priority::normal, context.now());
    next += n;
    return p;
  }
  void expect_balance() {
    const auto stats = channel.stats();
    EXPECT_EQ(stats.edge.offered.events, stats.edge.delivered.events + lost);
    EXPECT_EQ(stats.edge.pending.events, 0u);
    EXPECT_LE(stats.edge.max_waiting.events, 16u);
    EXPECT_EQ(stats.sleeping_senders + stats.sleeping_receivers, 0u);
  }
};

TEST_F(ChannelThreads, CarriesEverythingOnceAndInOrderBetweenBlockingThreads) {
  std::vector<std::thread> producers;
  for (std::uint64_t id = 1; id <= 2; ++id)
    producers.emplace_back([this, id] {
      for (std::uint64_t next = 0; next < per_producer;) {
        Parcel p = nth(id, next);
        ASSERT_TRUE(channel.send_for(p, 30s));
      }
    });
  Seen seen;
  std::thread consumer([&] {
    while (auto group = channel.receive_all_for(anything, 30s))
      for (const Parcel& p : *group) seen.add(p);
  });
  for (auto& producer : producers) producer.join();
  EXPECT_TRUE(channel.drain_for(30s));
  consumer.join();
  EXPECT_EQ(seen.count, 2 * per_producer);
  EXPECT_TRUE(seen.in_order);
  expect_balance();
}

TEST_F(ChannelThreads, LeavesNobodyAsleepWithTwoReceivers) {
  std::atomic<std::uint64_t> received = 0;
  std::vector<std::thread> consumers;
  for (int c = 0; c < 2; ++c)
    consumers.emplace_back([&] {
      while (const auto p = channel.receive_for({3, 1_GiB}, 30s)) received += p->load().events;
    });
  for (std::uint64_t next = 0; next < per_producer;) {
    Parcel p = nth(1, next);
    ASSERT_TRUE(channel.send_for(p, 30s));
  }
  EXPECT_TRUE(channel.drain_for(30s));
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(received, per_producer);
  expect_balance();
}

TEST_F(ChannelThreads, CarriesEverythingBetweenCoroutinesOfTwoContexts) {
  boost::asio::io_context left, right;
  Seen seen;
  int senders = 2;
  auto sender = [&](std::uint64_t id) -> boost::asio::awaitable<void> {
    for (std::uint64_t next = 0; next < per_producer;) {
      Parcel p = nth(id, next);
      const auto answer = co_await channel.send(p, never);
      EXPECT_TRUE(answer);
    }
    if (--senders == 0) EXPECT_TRUE(co_await channel.drain(never));
  };
  auto receiver = [&]() -> boost::asio::awaitable<void> {
    while (true) {
      const auto p = co_await channel.receive(anything, never);
      if (!p) break;
      seen.add(*p);
    }
  };
  spawn(left, sender(1));
  spawn(left, sender(2));
  spawn(right, receiver());
  std::thread other([&] { right.run(); });
  left.run();
  other.join();
  EXPECT_EQ(seen.count, 2 * per_producer);
  EXPECT_TRUE(seen.in_order);
  expect_balance();
}

TEST_F(ChannelThreads, AccountsForEveryDroppedItemUnderOverload) {
  channel.reconfigure({.bound = {16, 1_MiB}, .when_full = WhenFull::drop_oldest});
  std::atomic<std::uint64_t> received = 0;
  std::thread consumer([&] {
    while (const auto p = channel.receive_for({3, 1_GiB}, 30s)) received += p->load().events;
  });
  std::thread other([&] {
    for (std::uint64_t next = 0; next < per_producer;) {
      Parcel p = nth(2, next);
      ASSERT_TRUE(channel.try_send(p));
    }
  });
  for (std::uint64_t next = 0; next < per_producer;) {
    Parcel p = nth(1, next);
    ASSERT_TRUE(channel.try_send(p));
  }
  other.join();
  EXPECT_TRUE(channel.drain_for(30s));
  consumer.join();
  EXPECT_EQ(received + lost, 2 * per_producer);
  expect_balance();
}

TEST_F(ChannelThreads, CloseEndsAWaitThatIsUnderWay) {
  std::thread waiting([&] { EXPECT_EQ(channel.receive_for(anything, 30s).error(), Idle::closed); });
  while (channel.stats().sleeping_receivers == 0) std::this_thread::yield();
  channel.close();
  waiting.join();
}

TEST_F(ChannelThreads, ABlockingWaitEndsByItself) {
  EXPECT_EQ(channel.receive_for(anything, 1ms).error(), Idle::empty);
  Parcel p = parcel(1, 17);
  EXPECT_EQ(channel.send_for(p, 1ms).error().reason, Reason::deadline_exceeded);
  EXPECT_EQ(p.load().events, 1u);
  EXPECT_TRUE(channel.try_receive(anything));
}

}  // namespace
}  // namespace weir::async
