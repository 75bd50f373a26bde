#include "throttle.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir::throttle {
namespace {

Result<std::shared_ptr<StagePlan>> compile(double rate, std::uint64_t burst, const char* when_over) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("rate", PerSecond{rate});
  options.set("burst", burst);
  options.set("when_over", std::string(when_over));
  return catalog.stage("throttle")->compile(options, Context());
}

Verdict ask(Stage& stage, TimePoint now) {
  static const BatchInfo info;
  std::string out;
  return stage.take({"{}", info, now, {}}, out);
}

TEST(Throttle, MakesWaitExactlyUntilTheNextTokenAcrossReactors) {
  const auto plan = compile(10, 2, "slow");
  const auto one = (*plan)->stage(), two = (*plan)->stage();
  TimePoint now{std::chrono::seconds(1)};
  EXPECT_EQ(ask(*one, now).kind, Verdict::Kind::passed);
  EXPECT_EQ(ask(*two, now).kind, Verdict::Kind::passed);
  const auto verdict = ask(*one, now);
  EXPECT_EQ(verdict.kind, Verdict::Kind::later);
  EXPECT_EQ(verdict.wait, std::chrono::milliseconds(100));
  EXPECT_EQ(ask(*two, now + verdict.wait).kind, Verdict::Kind::passed);
  EXPECT_EQ(ask(*one, now + verdict.wait).kind, Verdict::Kind::later);
  EXPECT_TRUE((*plan)->may_wait());
  EXPECT_EQ((*plan)->strongest(), Level::stored);
}

TEST(Throttle, ShedsAboveTheRateAndPromisesLess) {
  const auto plan = compile(10, 1, "shed");
  const auto stage = (*plan)->stage();
  TimePoint now{std::chrono::seconds(1)};
  EXPECT_EQ(ask(*stage, now).kind, Verdict::Kind::passed);
  const auto verdict = ask(*stage, now);
  EXPECT_EQ(verdict.kind, Verdict::Kind::dropped);
  EXPECT_EQ(verdict.reason, Reason::throttled);
  EXPECT_FALSE((*plan)->may_wait());
  EXPECT_EQ((*plan)->strongest(), Level::processed);
  EXPECT_FALSE((*plan)->why_weaker().empty());
}

TEST(Throttle, IsExactForManyReactorsAtOnce) {
  const auto plan = compile(1000, 500, "shed");
  std::atomic<int> passed = 0;
  {
    std::vector<std::jthread> reactors;
    for (int i = 0; i < 4; ++i)
      reactors.emplace_back([&, stage = std::shared_ptr<Stage>((*plan)->stage())] {
        for (int n = 0; n < 2000; ++n) passed += ask(*stage, TimePoint{}).kind == Verdict::Kind::passed;
      });
  }
  EXPECT_EQ(passed, 500);
}

TEST(Throttle, RefusesARateOfNothing) {
  EXPECT_FALSE(compile(0, 1, "slow"));
  EXPECT_FALSE(compile(1e10, 1, "slow"));
  EXPECT_FALSE(compile(1, 0, "slow"));
}

}  // namespace
}  // namespace weir::throttle
