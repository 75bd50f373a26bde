#include "aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/expression/counting_new.h>
#include <weir/component/expression/testing.h>

#include <map>

namespace weir::aggregate {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

Options options(Options::Table values, std::vector<std::string> by = {".k"}) {
  Options made;
  made.set("window", Duration(10s));
  made.set("values", std::move(values));
  made.set("by", std::move(by));
  return made;
}

/// One aggregate and one reactor, at a time that the test tells it; the wall clock began at 1970.
struct Harness {
  explicit Harness(const Options& given) {
    Catalog catalog;
    add_to(catalog);
    auto compiled = catalog.stage("aggregate")->compile(given, Context());
    if (!compiled) {
      error = compiled.error().message;
      return;
    }
    plan = *compiled;
    stage = plan->stage();
  }
  Verdict give(std::string_view event, Duration at) {
    static const BatchInfo info;
    const PaddedText padded(event);
    std::string out;
    const auto verdict = stage->take({padded.view(), info, TimePoint(at), WallTime(at + step)}, out);
    EXPECT_TRUE(out.empty());
    return verdict;
  }
  /// All that is over, and what ended: window id to merged events.
  std::vector<std::string> over(Duration at, bool finish = false) {
    std::vector<std::string> events;
    std::string out = "|";
    while (const auto output = plan->merger()->take(TimePoint(at), WallTime(at + step), finish, out)) {
      EXPECT_TRUE(output->event);
      events.push_back(out.substr(1));
      out = "|";
      if (output->last) ended[output->window] = output->merged;
    }
    EXPECT_EQ(out, "|");
    return events;
  }
  Duration step{0};  ///< by how much the wall clock was set
  std::string error;
  std::shared_ptr<StagePlan> plan;
  std::unique_ptr<Stage> stage;
  std::map<std::uint64_t, std::uint64_t> ended;
};

std::string window(int start, std::string_view rest) {
  const auto time = [](int s) {
    return "1970-01-01T00:00:" + std::to_string(s / 10) + std::to_string(s % 10) + ".000Z\"";
  };
  return R"({"window_start":")" + time(start) + R"(,"window_end":")" + time(start + 10) + "," + std::string(rest) + "}";
}

TEST(Aggregate, MakesOneEventOfEachGroupOfAWindow) {
  Harness harness(
      options({{"n", "count()"}, {"sum", "sum(.v)"}, {"least", "min(.v)"}, {"most", "max(.v)"}, {"mean", "avg(.v)"}}));
  ASSERT_EQ(harness.error, "");
  const auto verdict = harness.give(R"({"k":"a","v":1})", 1s);
  EXPECT_EQ(verdict.kind, Kind::merged);
  harness.give(R"({"k":"b","v":0.5})", 2s);
  harness.give(R"({"k":"a","v":9007199254740993})", 3s);
  harness.give(R"({"k":"a"})", 9s);
  EXPECT_THAT(harness.over(Duration(10s) - 1ns), ElementsAre());
  EXPECT_EQ(harness.plan->merger()->next(TimePoint(9s)), 1s);
  EXPECT_THAT(
      harness.over(10s),
      ElementsAre(
          window(0,
                 R"("k":"a","n":3,"sum":9007199254740994,"least":1,"most":9007199254740993,"mean":4503599627370497)"),
          window(0, R"("k":"b","n":1,"sum":0.5,"least":0.5,"most":0.5,"mean":0.5)")));
  EXPECT_EQ(harness.ended, (std::map<std::uint64_t, std::uint64_t>{{verdict.window, 4}}));
  EXPECT_EQ(harness.plan->merger()->next(TimePoint(10s)), std::nullopt);
}

TEST(Aggregate, NumbersWindowsUpwardsAndReusesTheirMemory) {
  Harness harness(options({{"n", "count()"}}));
  for (int i = 0; i < 20; ++i) {
    const auto at = std::chrono::seconds(10 * i);
    EXPECT_EQ(harness.give(R"({"k":1})", at).window, static_cast<std::uint64_t>(i + 1));
    EXPECT_EQ(harness.over(at + 10s).size(), 1u);
  }
}

TEST(Aggregate, EndsWindowsByTheTimesOfTheirEvents) {
  auto given = options({{"n", "count()"}});
  given.set("time", std::string(".t"));
  given.set("lateness", Duration(5s));
  Harness harness(given);
  harness.give(R"({"k":1,"t":3})", 1000s);
  harness.give(R"({"k":1,"t":"1970-01-01T00:00:14Z"})", 1000s);
  EXPECT_THAT(harness.over(1000s), ElementsAre()) << "14 s less 5 s lateness is before the end of the first window";
  EXPECT_EQ(harness.give(R"({"k":1,"t":9})", 1000s).window, 1u);
  harness.give(R"({"k":1,"t":15})", 1000s);
  EXPECT_EQ(harness.plan->merger()->next(TimePoint(1000s)), Duration{0});
  EXPECT_THAT(harness.over(1000s), ElementsAre(window(0, R"("k":1,"n":2)")));
  const auto late = harness.give(R"({"k":1,"t":9})", 1000s);
  EXPECT_EQ(late.kind, Kind::dropped);
  EXPECT_EQ(harness.plan->strongest(), Level::processed);
}

TEST(Aggregate, CountsLateEventsInTheOldestOpenWindowIfToldTo) {
  auto given = options({{"n", "count()"}});
  given.set("time", std::string(".t"));
  given.set("when_late", std::string("current"));
  Harness harness(given);
  harness.give(R"({"k":1,"t":25})", 1000s);
  EXPECT_EQ(harness.give(R"({"k":1,"t":3})", 1000s).kind, Kind::merged);
  EXPECT_THAT(harness.over(1000s, true), ElementsAre(window(20, R"("k":1,"n":2)")));
  EXPECT_EQ(harness.plan->strongest(), Level::stored);
}

TEST(Aggregate, NeverFindsAnEventLateThatGoesByItsArrival) {
  for (const bool own_times : {false, true}) {
    auto given = options({{"n", "count()"}});
    if (own_times) given.set("time", std::string(".t"));
    Harness harness(given);
    harness.give(R"({"k":1,"v":1})", 10s);
    const auto behind = harness.give(R"({"k":1,"v":2})", 10s - 1ns);  // a reactor that looked at its clock before
    EXPECT_EQ(behind.kind, Kind::merged) << "own times: " << own_times;
    EXPECT_THAT(harness.over(20s, true), ElementsAre(window(10, R"("k":1,"n":2)")));
  }
}

TEST(Aggregate, GoesOnByTheSteadyClockWhenTheWallClockIsSetBack) {
  for (const bool own_times : {false, true}) {
    auto given = options({{"n", "count()"}});
    if (own_times) given.set("time", std::string(".t"));
    Harness harness(given);
    harness.give(R"({"k":1,"t":4})", 4s);
    harness.step = -3600s;
    EXPECT_EQ(harness.give(R"({"k":1,"t":6})", 6s).window, 1u) << "own times: " << own_times;
    EXPECT_EQ(harness.give(R"({"k":1,"t":11})", 11s).window, 2u);
    EXPECT_THAT(harness.over(11s), ElementsAre(window(0, R"("k":1,"n":2)"))) << "own times: " << own_times;
    EXPECT_THAT(harness.over(20s), own_times ? testing::SizeIs(0) : testing::SizeIs(1));
  }
}

TEST(Aggregate, FollowsTheWallClockWhereItIsSetForward) {
  Harness harness(options({{"n", "count()"}}));
  harness.give(R"({"k":1})", 4s);
  harness.step = 20s;
  EXPECT_THAT(harness.over(5s), ElementsAre(window(0, R"("k":1,"n":1)")));
  harness.give(R"({"k":1})", 6s);
  harness.step = 0s;
  EXPECT_THAT(harness.over(9s), ElementsAre());
  EXPECT_THAT(harness.over(10s), ElementsAre(window(20, R"("k":1,"n":1)"))) << "no time of a window comes twice";
}

TEST(Aggregate, EndsAWindowWhenNothingComes) {
  auto given = options({{"n", "count()"}});
  given.set("time", std::string(".t"));
  Harness harness(given);
  harness.give(R"({"k":1,"t":3})", 1000s);
  EXPECT_EQ(harness.plan->merger()->next(TimePoint(1010s)), 20s);
  EXPECT_THAT(harness.over(1030s - 1ns), ElementsAre());
  EXPECT_EQ(harness.over(1030s).size(), 1u);
  EXPECT_EQ(harness.give(R"({"k":1,"t":4})", 1031s).kind, Kind::dropped) << "that window has ended";
}

TEST(Aggregate, LetsNoClockThatIsAheadMakeOthersLate) {
  auto given = options({{"n", "count()"}});
  given.set("time", std::string(".t"));
  Harness harness(given);
  harness.give(R"({"k":1,"t":4000000})", 1000s);
  EXPECT_EQ(harness.give(R"({"k":1,"t":1001})", 1001s).kind, Kind::merged);
  EXPECT_EQ(harness.over(1001s).size(), 0u);
}

TEST(Aggregate, FoldsTheKeysThatHaveNoPlaceIntoOneGroup) {
  auto given = options({{"n", "count()"}, {"sum", "sum(.v)"}});
  given.set("max_keys", std::uint64_t{2});
  Harness harness(given);
  for (int i = 0; i < 6; ++i) harness.give(R"({"v":1,"k":)" + std::to_string(i % 5) + "}", 1s);
  harness.give(R"({"v":1,"k":")" + std::string(200, 'x') + R"("})", 1s);
  EXPECT_THAT(harness.over(10s), ElementsAre(window(0, R"("k":0,"n":2,"sum":2)"), window(0, R"("k":1,"n":1,"sum":1)"),
                                             window(0, R"("overflow":true,"n":4,"sum":4)")));
  EXPECT_EQ(harness.ended.begin()->second, 7u);
}

TEST(Aggregate, MakesEventsWaitWhileAllItsWindowsAreOpen) {
  auto given = options({{"n", "count()"}});
  given.set("max_windows", std::uint64_t{2});
  given.set("time", std::string(".t"));
  Harness harness(given);
  harness.give(R"({"k":1,"t":5})", 1s);
  harness.give(R"({"k":1,"t":15})", 1s);
  EXPECT_EQ(harness.give(R"({"k":1,"t":25})", 1s).kind, Kind::later);
  EXPECT_EQ(harness.give(R"({"k":1,"t":5})", 1s).kind, Kind::merged);
  EXPECT_EQ(harness.over(31s).size(), 2u) << "nothing was merged for 30 s";
  EXPECT_EQ(harness.give(R"({"k":1,"t":25})", 31s).kind, Kind::merged);
  EXPECT_TRUE(harness.plan->may_wait());
}

TEST(Aggregate, GivesEverythingWhenItFinishes) {
  Harness harness(options({{"n", "count()"}}, {".a.b", ".c"}));
  harness.give(R"({"a":{"b":"x\n"},"c":true})", 1s);
  harness.give("no json", 1s);
  EXPECT_THAT(harness.over(2s, true),
              ElementsAre(window(0, R"("a.b":"x\n","c":true,"n":1)"), window(0, R"("a.b":null,"c":null,"n":1)")));
}

TEST(Aggregate, HoldsItsQuantilesWithinFivePercent) {
  Harness harness(options({{"p50", "p50(.v)"}, {"p99", "p99(.v)"}, {"none", "p50(.w)"}}, {}));
  for (int i = 1; i <= 1000; ++i) harness.give(R"({"v":)" + std::to_string(i) + "}", 1s);
  const auto events = harness.over(10s);
  ASSERT_EQ(events.size(), 1u);
  double p50 = 0, p99 = 0;
  ASSERT_EQ(std::sscanf(events[0].c_str() + events[0].find("\"p50\""), R"("p50":%lf,"p99":%lf)", &p50, &p99), 2);
  EXPECT_NEAR(p50, 500, 26);
  EXPECT_NEAR(p99, 990, 50);
  EXPECT_THAT(events[0], HasSubstr(R"("none":null)"));
}

TEST(Aggregate, KeepsManyGroupsApart) {
  auto given = options({{"sum", "sum(.v)"}});
  given.set("max_keys", std::uint64_t{5000});
  Harness harness(given);
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 5000; ++i)
      harness.give(R"({"v":)" + std::to_string(i) + R"(,"k":)" + std::to_string(i) + "}", 1s);
  const auto events = harness.over(10s);
  ASSERT_EQ(events.size(), 5000u);
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_EQ(events[i], window(0, R"("k":)" + std::to_string(i) + R"(,"sum":)" + std::to_string(3 * i)));
  EXPECT_EQ(harness.ended.begin()->second, 15000u);
}

TEST(Aggregate, SaysWhatIsWrong) {
  const auto complaint = [](Options::Table values, std::vector<std::string> by = {".k"}) {
    return Harness(options(std::move(values), std::move(by))).error;
  };
  EXPECT_EQ(complaint({{"x", "sum(.a +)"}}), "values \"x\": expected a path or a value\n  .a +\n      ^");
  EXPECT_THAT(complaint({{"x", "median(.a)"}}), HasSubstr("there are count, sum"));
  EXPECT_THAT(complaint({{"x", "p100(.a)"}}), HasSubstr("there are count, sum"));
  EXPECT_THAT(complaint({{"x", ".a"}}), HasSubstr("expected count()"));
  EXPECT_THAT(complaint({{"x", "count(.a)"}}), HasSubstr("nothing stands in it"));
  EXPECT_THAT(complaint({{"k", "count()"}}), HasSubstr("two members \"k\""));
  EXPECT_THAT(complaint({{"window_end", "count()"}}), HasSubstr("two members"));
  EXPECT_THAT(complaint({}), HasSubstr("at least one"));
  EXPECT_THAT(complaint({{"x", "count()"}}, {"k"}), HasSubstr("by: expected a path"));
  auto given = options({{"x", "count()"}});
  given.set("lateness", Duration(60s));
  EXPECT_THAT(Harness(given).error, HasSubstr("8 windows"));
}

TEST(Aggregate, AllocatesNothingForAnEvent) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("window", Duration(std::chrono::minutes(1)));
  options.set("by", std::vector<std::string>{".msg"});
  options.set("values", Options::Table{{"n", "count()"}, {"sum", "sum(.n)"}, {"p99", "p99(.n)"}});
  const auto plan = catalog.stage("aggregate")->compile(options, Context()).value();
  const auto stage = plan->stage();
  EXPECT_EQ(steady_allocations(*stage), 0);
}

}  // namespace
}  // namespace weir::aggregate
