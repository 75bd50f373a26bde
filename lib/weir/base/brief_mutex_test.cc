#include <gtest/gtest.h>
#include <weir/base/brief_mutex.h>

#include <thread>
#include <vector>

namespace weir {
namespace {

TEST(BriefMutex, LetsOneThreadInAtATime) {
  BriefMutex mutex;
  int inside = 0, most = 0, rounds = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 20'000; ++n) {
          const std::lock_guard lock(mutex);
          most = std::max(most, ++inside);
          ++rounds;
          --inside;
        }
      });
  }
  EXPECT_EQ(most, 1);
  EXPECT_EQ(rounds, 80'000);
}

TEST(BriefMutex, WaitsForOneThatHoldsItLong) {
  BriefMutex mutex;
  mutex.lock();
  bool released = false, seen = false;
  std::jthread waiting([&] {
    const std::lock_guard lock(mutex);
    seen = released;
  });
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // so that it has given up trying by then
  released = true;
  mutex.unlock();
  waiting.join();
  EXPECT_TRUE(seen);
}

TEST(BriefMutex, IsNotTakenTwice) {
  BriefMutex mutex;
  ASSERT_TRUE(mutex.try_lock());
  std::jthread([&] { EXPECT_FALSE(mutex.try_lock()); }).join();
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

}  // namespace
}  // namespace weir
