// The machine between the two halves of a spilling queue, stepped by hand, on a disk in memory that fills up.
#include "pipeline/queue/spill.h"
#include "log/log.h"

#include <gtest/gtest.h>
#include <weir/component/event_id.h>

#include <algorithm>

#include "journal/disk_for_test.h"

namespace weir::pipeline {
namespace {

using namespace std::chrono_literals;

struct Unit final : ReceiptOwner {
  void on_settled(Receipt&) noexcept override { settled = true; }
  Receipt receipt{*this};
  bool settled = false;
};

/// Front, spill and back; the test is the producer and the worker.
struct SpillTest : testing::Test {
  SpillTest() {
    log::set_level(log::Level::off);
    queue.bound = {20, 1_MiB};
    queue.when_full = flow::WhenFull::spill;
    begin();
  }
  ~SpillTest() override {
    for (Batch& batch : hand) batch.settle(Fate::stored);
    end();
  }

  void begin() {
    front.emplace(0, "out", spill_front(queue), 1, 1);
    spill.emplace(Spill::Setup{"out", {"data/spill", max_bytes}, queue, 256_KiB, 1, 1}, *front, process, context,
                  *disk);
    const auto opened = spill->open();
    ASSERT_TRUE(opened) << opened.error().message;
  }
  Left end() {
    if (!spill) return {};
    spill->stop();
    const auto lost = spill->put_away();
    spill.reset();
    front.reset();
    return lost;
  }
  /// kill -9: only the disk is left, as it is now.
  void kill() {
    auto left = disk->clone();
    for (Batch& batch : hand) batch.settle(Fate::abandoned);
    hand.clear();
    end();
    disk = std::move(left);
    begin();
  }

  Batch make(int n, Priority priority = Priority::normal, Receipt* receipt = nullptr, std::size_t length = 100) {
    std::string text;
    std::vector<Batch::Slot> index;
    for (int i = 0; i < n; ++i) {
      std::string event = std::to_string(next_id++);
      event.resize(length, '.');
      index.push_back(
          {static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(length), static_cast<std::uint32_t>(i)});
      text += event + "\n";
    }
    if (receipt) receipt->owe(static_cast<std::uint32_t>(n));
    const Batch::Run run{receipt, static_cast<std::uint32_t>(n)};
    BatchInfo info;
    info.priority = priority;
    info.received = context.now();
    info.received_wall = context.wall();
    return make_batch(text, index, {&run, 1}, info, Ticket{});
  }
  /// How many the front took.
  std::uint32_t push(Batch batch) {
    const auto n = front->push_alone(batch, context.now());
    if (!batch.empty()) {
      next_id -= batch.size();
      batch.settle(Fate::failed);
    }
    return n;
  }
  Spill::Need work() {
    for (int i = 0; i < 1000; ++i)
      if (const auto need = spill->step().need; need != Spill::Need::nothing) return need;
    return Spill::Need::nothing;
  }
  /// Pushes n events in batches of 5, as long as they are taken.
  int push_all(int n, Priority priority = Priority::normal, Receipt* receipt = nullptr) {
    int pushed = 0;
    for (; pushed < n; pushed += 5) {
      if (push(make(5, priority, receipt)) < 5) break;
      work();
    }
    return pushed;
  }
  /// As a worker does: takes some and holds them.
  void take(std::uint64_t most = 1000) { spill->back().try_take({most, 1_MiB}, context.now(), hand); }
  std::vector<int> deliver(std::uint64_t most = 1000, Fate fate = Fate::stored) {
    std::vector<int> ids;
    take(most);
    for (Batch& batch : hand) {
      for (std::uint32_t i = 0; i < batch.size(); ++i) ids.push_back(std::stoi(std::string(batch[i])));
      batch.settle(fate);
    }
    hand.clear();
    return ids;
  }
  std::vector<int> deliver_everything() {
    std::vector<int> all;
    for (;;) {
      work();
      const auto some = deliver();
      if (some.empty() && spill->empty() && front->empty()) return all;
      if (some.empty() && ++idle_ > 100) return all;
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  static std::vector<int> numbers(int from, int to) {
    std::vector<int> all;
    for (; from < to; ++from) all.push_back(from);
    return all;
  }
  std::int64_t difference() const {
    const auto e = spill->edge();
    auto d = static_cast<std::int64_t>(e.offered.events - e.delivered.events - e.drained.events - e.pending.events);
    for (const auto n : e.dropped) d -= static_cast<std::int64_t>(n);
    return d;
  }

  std::unique_ptr<journal::PowerDisk> disk = std::make_unique<journal::PowerDisk>();
  ManualClock clock;
  Context context{clock};
  Budget process{100_MiB};
  flow::EdgeConfig queue;
  Bytes max_bytes = 16_MiB;
  std::optional<SinkQueue> front;
  std::optional<Spill> spill;
  std::vector<Batch> hand;
  int next_id = 0, idle_ = 0;
};

TEST_F(SpillTest, WhatFitsGoesStraightOn) {
  EXPECT_EQ(push_all(10), 10);
  EXPECT_EQ(spill->status().total, 0u);
  EXPECT_EQ(deliver(), numbers(0, 10));
  EXPECT_EQ(difference(), 0);
}

TEST_F(SpillTest, KeepsTheOrderOverTheDiskAndBackAndLosesAndDoublesNothing) {
  EXPECT_EQ(push_all(1000), 1000);
  EXPECT_EQ(spill->status().events, 990u);
  EXPECT_EQ(difference(), 0);
  std::vector<int> got = deliver(3);
  while (next_id < 2000) {
    EXPECT_EQ(push_all(5), 5);
    const auto some = deliver(7);
    got.insert(got.end(), some.begin(), some.end());
    EXPECT_EQ(difference(), 0);
  }
  const auto rest = deliver_everything();
  got.insert(got.end(), rest.begin(), rest.end());
  EXPECT_EQ(got, numbers(0, 2000));
  EXPECT_EQ(difference(), 0);
  EXPECT_EQ(spill->kept(), 0u);
}

TEST_F(SpillTest, LaterEventsOfAPriorityGoBehindButAnotherPriorityDoesNotB4) {
  queue.reserved_for_high = 0.2;
  end();
  begin();
  EXPECT_EQ(push_all(100), 100);
  const int high = next_id;
  EXPECT_EQ(push(make(2, Priority::high)), 2u);
  work();
  EXPECT_EQ(deliver(2), numbers(high, high + 2)) << "nothing of its priority is on the disk";
  std::vector<int> rest = deliver_everything();
  EXPECT_EQ(rest, numbers(0, 100));
}

TEST_F(SpillTest, EventsOfAPriorityStayInOrderWhenOnesOfAnotherStandBeforeThemOnTheDisk) {
  queue.reserved_for_high = 0.2;
  end();
  begin();
  EXPECT_EQ(push_all(30), 30);
  EXPECT_EQ(push_all(10, Priority::high), 10);  // two in the reserved part, eight behind the normal ones
  EXPECT_EQ(deliver(2), numbers(30, 32));
  EXPECT_EQ(push(make(2, Priority::high)), 2u);  // there is room for them, and others of their priority are on the disk
  auto rest = deliver_everything();
  std::erase_if(rest, [](int id) { return id < 30; });
  EXPECT_EQ(rest, numbers(32, 42));
}

TEST_F(SpillTest, ExpiryCountsTheTimeOnTheDisk) {
  queue.expire_after = 10s;
  end();
  begin();
  EXPECT_EQ(push_all(50), 50);
  clock.advance(9s);
  EXPECT_EQ(deliver(10), numbers(0, 10));
  clock.advance(2s);
  EXPECT_TRUE(deliver_everything().empty());
  EXPECT_EQ(spill->edge().dropped[static_cast<std::size_t>(Reason::expired)], 40u);
  EXPECT_EQ(difference(), 0);
}

TEST_F(SpillTest, NoStepOfTheWallClockExpiresWhatIsOnTheDisk) {
  queue.expire_after = 10s;
  end();
  begin();
  EXPECT_EQ(push_all(50), 50);
  clock.step_wall(std::chrono::hours(1));
  EXPECT_EQ(deliver(10), numbers(0, 10));
  work();
  EXPECT_EQ(deliver(10), numbers(10, 20)) << "read back while the clock is ahead";
  clock.step_wall(-std::chrono::hours(2));
  EXPECT_EQ(deliver_everything(), numbers(20, 50));
}

TEST_F(SpillTest, ReceiptsStayOpenWhileTheirEventsAreOnTheDisk) {
  Unit first, second;
  EXPECT_EQ(push_all(10), 10);
  EXPECT_EQ(push_all(10, Priority::normal, &first.receipt), 10);
  EXPECT_EQ(push_all(10, Priority::normal, &second.receipt), 10);
  first.receipt.done_reading();
  second.receipt.done_reading();
  EXPECT_EQ(first.receipt.pending(), 10u);
  deliver();
  work();
  EXPECT_FALSE(first.settled) << "it has been read back, and that is no fate";
  EXPECT_EQ(deliver(10).size(), 10u);
  EXPECT_TRUE(first.settled);
  EXPECT_FALSE(second.settled);
  EXPECT_EQ(first.receipt.tally().of(Fate::stored), 10u);
  work();
  deliver(10, Fate::failed);
  EXPECT_EQ(second.receipt.tally().of(Fate::failed), 10u);
}

TEST_F(SpillTest, GivesTheMemoryBackOfWhatItSpills) {
  Budget budget{10_MiB};
  for (int i = 0; i < 10; ++i) {
    Batch batch = make(5);
    const Batch::Run run{nullptr, 5};
    const std::vector<Batch::Slot> index{{0, 3, 0}, {4, 3, 1}, {8, 3, 2}, {12, 3, 3}, {16, 3, 4}};
    Batch charged = make_batch("aaa\nbbb\nccc\nddd\neee\n", index, {&run, 1}, batch.info(), *budget.try_take(1_KiB));
    batch.dissolve();
    EXPECT_EQ(push(std::move(charged)), 5u);
    work();
  }
  EXPECT_EQ(budget.used(), 2_KiB) << "what stands in the back keeps it";
  end();  // before the budget goes
}

TEST_F(SpillTest, SpillsAboveFourFifthsOfTheBudgetThoughThereIsRoomC7) {
  auto most = process.try_take(79_MiB);
  push_all(5);
  EXPECT_EQ(spill->status().total, 0u);
  auto more = process.try_take(1_MiB);
  push_all(5);
  EXPECT_EQ(spill->status().total, 5u);
  EXPECT_EQ(deliver_everything(), numbers(0, 10));
}

TEST_F(SpillTest, WhenTheDiskIsFullTheFrontBlocksSaysWhyAndGoesOnWhenThereIsRoom) {
  end();
  disk->set_capacity(disk->used() + 3_MiB);
  begin();
  queue.bound.bytes = 10_MiB;
  int pushed = 0;
  while (pushed < 200'000 && push(make(5, Priority::normal, nullptr, 2000)) == 5) {
    pushed += 5;
    work();
  }
  EXPECT_LT(pushed, 2000);
  EXPECT_GT(pushed, 100);
  EXPECT_EQ(work(), Spill::Need::room);
  EXPECT_NE(spill->status().error.find("No space left on device"), std::string::npos) << spill->status().error;
  EXPECT_EQ(difference(), 0);
  disk->set_capacity(1_GiB);
  work();
  EXPECT_EQ(spill->status().error, "");
  EXPECT_EQ(push(make(5)), 5u);
  EXPECT_EQ(deliver_everything(), numbers(0, next_id));
}

TEST_F(SpillTest, WhatAStopPutsAwayComesBackWithTheNextStart) {
  Unit unit;
  EXPECT_EQ(push_all(50), 50);
  EXPECT_EQ(push(make(5, Priority::normal, &unit.receipt)), 5u);
  unit.receipt.done_reading();
  take(4);
  spill->stop();
  for (Batch& batch : hand) {
    EXPECT_TRUE(spill->keep(batch));
    batch.settle(Fate::abandoned, Reason::shutdown);
  }
  hand.clear();
  const auto lost = spill->put_away();
  EXPECT_EQ(lost.events, 0u);
  EXPECT_EQ(spill->kept(), 55u);
  EXPECT_EQ(unit.receipt.tally().of(Fate::abandoned), 5u);
  spill.reset();
  begin();
  EXPECT_EQ(spill->status().recovered, 55u);
  push(make(5));  // what comes now goes behind
  auto got = deliver_everything();
  EXPECT_EQ(got.back(), next_id - 1);
  std::ranges::sort(got);
  EXPECT_EQ(got, numbers(0, 60));
  EXPECT_EQ(difference(), 0);
}

TEST_F(SpillTest, AfterAKillWhatWasOnTheDiskComesBackButForWhatIsDone) {
  EXPECT_EQ(push_all(100), 100);
  deliver();
  work();
  deliver();  // ten straight, ten over the disk
  work();
  clock.advance(2s);
  work();  // the cursor is saved
  take();  // a worker has ten of them in hand
  kill();
  EXPECT_EQ(deliver_everything(), numbers(20, 100));
}

TEST_F(SpillTest, AnEventIsKnownByItsPlaceBehindTheDiskAndAKillAsInFrontOfThem) {
  const auto read = [&](std::uint64_t first) {
    Batch plain = make(5);
    std::vector<Batch::Slot> index;
    std::string text(plain.lines());
    for (std::uint32_t i = 0; i < 5; ++i) index.push_back({i * 101, 100, i});
    BatchInfo info = plain.info();
    info.place = std::make_shared<const SourcePartition>(SourcePartition{"orders/3", {{0, 1'700'000'000'000}}});
    info.first_position = first;
    const Batch::Run run{nullptr, 5};
    plain.settle(Fate::stored);
    return make_batch(text, index, {&run, 1}, info, Ticket{});
  };
  std::vector<std::string> sent, came;
  for (std::uint64_t first = 100; first < 200; first += 5) {
    Batch batch = read(first);
    for (std::uint32_t i = 0; i < 5; ++i) append_own_id(sent.emplace_back(), batch, i);
    ASSERT_EQ(push(std::move(batch)), 5u);
    work();
  }
  const auto collect = [&](Fate fate) {
    take();
    for (Batch& batch : hand) {
      for (std::uint32_t i = 0; i < batch.size(); ++i) append_own_id(came.emplace_back(), batch, i);
      batch.settle(fate);
    }
    hand.clear();
    work();
  };
  EXPECT_GT(spill->status().events, 0u);
  for (int i = 0; i < 4; ++i) collect(Fate::stored);
  kill();
  for (int i = 0; i < 100; ++i) collect(Fate::stored);
  std::ranges::sort(came);
  came.erase(std::ranges::unique(came).begin(), came.end());  // what was not known to be done comes twice
  std::ranges::sort(sent);
  EXPECT_EQ(came, sent);
}

TEST_F(SpillTest, AnEventTheDiskHasLostHasFailed) {
  Unit unit;
  EXPECT_EQ(push_all(10), 10);
  EXPECT_EQ(push_all(20, Priority::normal, &unit.receipt), 20);
  unit.receipt.done_reading();
  disk->flip_bit("data/spill/00000000000000000001.segment", 4096 + 616 + 200);
  const auto got = deliver_everything();
  EXPECT_EQ(got.size(), 25u);
  EXPECT_TRUE(unit.settled);
  EXPECT_EQ(unit.receipt.tally().of(Fate::failed), 5u);
  EXPECT_EQ(unit.receipt.tally().of(Fate::stored), 15u);
  EXPECT_EQ(difference(), 0);
}

TEST_F(SpillTest, AWorkersDeadLettersAreNotKeptTwice) {
  push_all(5);
  take();
  spill->stop();
  const std::vector<Batch::Ending> moved{{1, Fate::dead_lettered, Reason::sink_rejected, true},
                                         {4, Fate::dead_lettered, Reason::sink_rejected, true}};
  EXPECT_TRUE(spill->keep(hand[0], moved));
  hand[0].settle(Fate::abandoned, moved);
  hand.clear();
  end();
  begin();
  EXPECT_EQ(deliver_everything(), (std::vector<int>{0, 2, 3}));
}

}  // namespace
}  // namespace weir::pipeline
