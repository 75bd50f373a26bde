#include <weir/async/coroutines_for_test.h>
#include <weir/async/gate.h>

#include <gtest/gtest.h>

#include <thread>

namespace weir::async {
namespace {

using namespace std::chrono_literals;

struct GateTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  Gate gate{context};
  boost::asio::io_context io;
  std::optional<bool> drained;

  void wait_drained(TimePoint deadline) {
    spawn(io, [](GateTest& t, TimePoint until) -> boost::asio::awaitable<void> {
      t.drained = co_await t.gate.drained(until);
    }(*this, deadline));
    run_ready(io);
  }
};
using GateDeathTest = GateTest;

TEST_F(GateTest, CountsWhoIsInside) {
  auto first = gate.try_enter();
  {
    auto second = gate.try_enter();
    EXPECT_EQ(gate.inside(), 2u);
  }
  EXPECT_EQ(gate.inside(), 1u);
}

TEST_F(GateTest, RefusesNewOnesOnceClosedAndLetsTheOthersStay) {
  auto pass = gate.try_enter();
  gate.close();
  EXPECT_FALSE(gate.try_enter());
  EXPECT_EQ(gate.inside(), 1u);
}

TEST_F(GateTest, IsDrainedAtOnceWhenClosedAndEmpty) {
  gate.close();
  wait_drained(clock.now());
  EXPECT_EQ(drained, true);
}

TEST_F(GateTest, IsNotDrainedWhileItIsOpen) {
  wait_drained(never);
  EXPECT_EQ(drained, std::nullopt);
  gate.close();
  run_ready(io);
  EXPECT_EQ(drained, true);
}

TEST_F(GateTest, IsDrainedWhenTheLastOneLeaves) {
  auto first = gate.try_enter();
  auto second = gate.try_enter();
  gate.close();
  wait_drained(never);
  first.reset();
  run_ready(io);
  EXPECT_EQ(drained, std::nullopt);
  second.reset();
  run_ready(io);
  EXPECT_EQ(drained, true);
}

TEST_F(GateTest, GivesUpAtTheDeadline) {
  auto pass = gate.try_enter();
  gate.close();
  wait_drained(clock.now());
  EXPECT_EQ(drained, false);
}

TEST_F(GateTest, LeavesAtOnceWhenAnotherPassTakesItsPlace) {
  auto mine = gate.try_enter();
  auto other = gate.try_enter();
  *mine = std::move(*other);
  EXPECT_EQ(gate.inside(), 1u);
  mine.reset();
  EXPECT_EQ(gate.inside(), 0u);
}

TEST_F(GateTest, ForgetsAWaiterWhoseContextDies) {
  {
    boost::asio::io_context dying;
    spawn(dying, [](Gate& g) -> boost::asio::awaitable<void> { co_await g.drained(never); }(gate));
    run_ready(dying);
  }
  gate.close();  // nobody is left to be woken
}

TEST_F(GateDeathTest, MustOutliveItsPasses) {
  EXPECT_DEATH(
      {
        std::optional<Gate::Pass> pass;
        const Gate dying(context);
        pass = const_cast<Gate&>(dying).try_enter();
      },
      "inside_ == 0");
}

TEST(GateThreads, MayBeDestroyedAsSoonAsItIsDrained) {
  const Context context;
  for (int round = 0; round < 500; ++round) {
    auto gate = std::make_unique<Gate>(context);
    std::vector<std::thread> guests;
    std::vector<Gate::Pass> passes;
    for (int g = 0; g < 2; ++g) passes.push_back(*gate->try_enter());
    for (auto& pass : passes) guests.emplace_back([p = std::move(pass)] {});
    passes.clear();
    gate->close();
    std::thread closer([&] {
      EXPECT_TRUE(gate->drained_for(10s));
      gate.reset();
    });
    for (auto& guest : guests) guest.join();
    guests.clear();
    closer.join();
  }
}

}  // namespace
}  // namespace weir::async
