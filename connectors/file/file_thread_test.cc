#include "file_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace weir::file {
namespace {

TEST(FileThread, DoesItsJobsInOrderAndSaysSoAfterEach) {
  std::counting_semaphore<> done(0);
  std::string order;
  FileThread thread("test", [&] { done.release(); });
  for (const char* job : {"a", "b", "c"}) {
    thread.run([&, job] { order += job; });
    done.acquire();
  }
  EXPECT_EQ(order, "abc");
  EXPECT_TRUE(thread.idle());
}

TEST(FileThread, IsNotIdleWhileAJobRuns) {
  std::counting_semaphore<> begun(0), go_on(0), done(0);
  FileThread thread("test", [&] { done.release(); });
  thread.run([&] {
    begun.release();
    go_on.acquire();
  });
  begun.acquire();
  EXPECT_FALSE(thread.idle());
  go_on.release();
  done.acquire();
  EXPECT_TRUE(thread.idle());
}

TEST(FileThread, LeavesAJobBehindThatDoesNotEndAndNeverCallsItsOwnerAgain) {
  struct Shared {
    std::counting_semaphore<> begun{0}, go_on{0}, ended{0};
  };
  const auto shared = std::make_shared<Shared>();
  std::atomic<int> called{0};
  {
    FileThread thread("test", [&] { ++called; });
    thread.run([shared] {
      shared->begun.release();
      shared->go_on.acquire();
      shared->ended.release();
    });
    shared->begun.acquire();
    thread.leave_behind();
    thread.run([&] { ++called; });
  }
  shared->go_on.release();
  shared->ended.acquire();
  EXPECT_EQ(called, 0);
}

TEST(FileThread, AJobThatHasNotBegunWhenItEndsIsNotDone) {
  const auto go_on = std::make_shared<std::counting_semaphore<>>(0);
  std::counting_semaphore<> begun(0);
  std::atomic<int> done{0};
  {
    FileThread thread("test");
    thread.run([&begun, go_on] {
      begun.release();
      go_on->acquire();
    });
    begun.acquire();
    thread.run([&] { ++done; });
    thread.leave_behind();
  }
  go_on->release();
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace weir::file
