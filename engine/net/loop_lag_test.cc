// How late a loop comes to what is due: with given times, and of a reactor that is held up.
#include "net/loop_lag.h"

#include <gtest/gtest.h>
#include <weir/base/context.h>
#include <weir/base/until_for_test.h>

#include <boost/asio/post.hpp>

#include <future>

#include "net/reactor.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};

/// A loop that wakes `late` after each time that is due, for so long.
TimePoint run(LoopLag& loop, TimePoint from, Duration late, Duration time) {
  TimePoint now = from;
  while (now - from < time) loop.woke(now += LoopLag::every + late);
  return now;
}

TEST(LoopLag, IsTheMeanLatenessOfTheLastSecond) {
  LoopLag loop;
  loop.begin(start);
  EXPECT_EQ(loop.lag(start + 100ms), 0ms) << "due now is not late";
  const TimePoint late = run(loop, start, 40ms, 5s);
  EXPECT_NEAR(seconds(loop.lag(late)), 0.040, 0.001);
  const TimePoint fine = run(loop, late, 0ms, 3s);
  EXPECT_LT(seconds(loop.lag(fine)), 0.003) << "what was long ago is forgotten";
}

TEST(LoopLag, OneLatePassIsNoLagThatLasts) {
  LoopLag loop;
  loop.begin(start);
  const TimePoint before = run(loop, start, 0ms, 3s);
  loop.woke(before + 300ms);
  EXPECT_LT(seconds(loop.lag(before + 300ms)), 0.05);
}

TEST(LoopLag, OfALoopThatIsStuckIsSeenWhileItIsStuck) {
  LoopLag loop;
  loop.begin(start);
  EXPECT_EQ(loop.lag(start + 2100ms), 2s);
}

TEST(Reactor, ThatIsHeldUpSaysHowLateItIsAndThatItIsNoMore) {
  const Context context;
  Reactor reactor("held");
  EXPECT_FALSE(reactor.lag(context.now())) << "nobody measures it";
  reactor.measure_lag(context);
  reactor.measure_lag(context);  // once is enough
  reactor.start();
  std::promise<void> go;
  boost::asio::post(reactor.io(), [held = go.get_future().share()] { held.wait(); });
  EXPECT_TRUE(until([&] { return *reactor.lag(context.now()) >= 500ms; }));
  go.set_value();
  EXPECT_TRUE(until([&] { return *reactor.lag(context.now()) < 250ms; }));
}

}  // namespace
}  // namespace weir::net
