#include "attend.h"

#include <gtest/gtest.h>

#include <future>

namespace weir::app {
namespace {

struct Signals {
  sigset_t set = block_signals();
  ~Signals() { pthread_sigmask(SIG_UNBLOCK, &set, nullptr); }
};

TEST(Attend, ReturnsWhenTheWorkIsDone) {
  const Signals signals;
  bool done = false;
  EXPECT_TRUE(attend(signals.set, [&] { done = true; }, [](int) { return true; }));
  EXPECT_TRUE(done);
}

TEST(Attend, TakesSignalsWhileTheWorkHangs) {
  const Signals signals;
  auto release = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  int seen = 0;
  pthread_kill(pthread_self(), SIGTERM);
  const bool came_back = attend(
      signals.set,
      [hang = release->get_future().share(), ended] {
        hang.wait();
        ended->set_value();
      },
      [&](int s) {
        if (s) seen = s;
        return !asks_to_stop(s);
      });
  EXPECT_FALSE(came_back);
  EXPECT_EQ(seen, SIGTERM);
  release->set_value();
  ended->get_future().wait();
}

}  // namespace
}  // namespace weir::app
