#include <gtest/gtest.h>
#include <weir/component/receipt_inbox.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {
namespace {

void settle(Receipt& receipt) {
  receipt.owe(1);
  receipt.settle(1, Fate::stored);
  receipt.done_reading();
}

TEST(ReceiptInbox, WakesOnceForAllThatSettleBeforeTheOwnerLooks) {
  int woken = 0;
  ReceiptInbox inbox([&] { ++woken; });
  Receipt first(inbox), second(inbox), third(inbox);
  settle(first);
  settle(second);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(inbox.collect([](Receipt&) {}), 2u);
  settle(third);
  EXPECT_EQ(woken, 2);
}

TEST(ReceiptInbox, HandsEachReceiptOutOnceTheLatestFirst) {
  ReceiptInbox inbox([] {});
  Receipt first(inbox), second(inbox);
  settle(first);
  settle(second);
  std::vector<Receipt*> got;
  inbox.collect([&](Receipt& receipt) { got.push_back(&receipt); });
  EXPECT_EQ(got, (std::vector{&second, &first}));
  EXPECT_EQ(inbox.collect([](Receipt&) {}), 0u);
}

TEST(ReceiptInbox, LetsTheOwnerDestroyAReceiptWhileItCollects) {
  ReceiptInbox inbox([] {});
  std::deque<std::unique_ptr<Receipt>> receipts;
  for (int i = 0; i < 3; ++i) settle(*receipts.emplace_back(std::make_unique<Receipt>(inbox)));
  EXPECT_EQ(inbox.collect([&](Receipt&) { receipts.pop_back(); }), 3u);
}

/// The owner sleeps unless it is woken: a lost wake-up would leave receipts lying, and the test would not end.
TEST(ReceiptInbox, LosesNoWakeUpBetweenManyThreadsAndItsOwner) {
  constexpr int threads = 4, each = 5'000;
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  ReceiptInbox inbox([&] {
    {
      std::lock_guard lock(mutex);
      woken = true;
    }
    changed.notify_one();
  });
  std::deque<Receipt> receipts;
  for (int i = 0; i < threads * each; ++i) receipts.emplace_back(inbox);
  std::vector<std::thread> settlers;
  for (int t = 0; t < threads; ++t)
    settlers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) settle(receipts[static_cast<std::size_t>(t * each + i)]);
    });
  std::size_t got = 0;
  while (got < receipts.size()) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return woken; })) << got << " were collected";
    woken = false;
    lock.unlock();
    got += inbox.collect([](Receipt& receipt) { EXPECT_EQ(receipt.tally().of(Fate::stored), 1u); });
  }
  for (auto& settler : settlers) settler.join();
  EXPECT_EQ(got, receipts.size());
}

}  // namespace
}  // namespace weir
