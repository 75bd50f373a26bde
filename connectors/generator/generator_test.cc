#include "generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/base/until_for_test.h>
#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/conformance/source_check.h>
#include <weir/component/expression/expression.h>
#include <weir/component/expression/testing.h>

#include <boost/asio/io_context.hpp>

namespace weir::generator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const SourceType& type() {
  static const Catalog catalog = [] {
    Catalog made;
    add_to(made);
    return made;
  }();
  return *catalog.source("generator");
}

Options options_with(std::uint64_t count) {
  Options options;
  options.set("count", count);
  options.set("priorities", std::string("critical=1,normal=2"));
  return options;
}

TEST(Generator, KeepsWhatEverySourcePromises) {
  const auto step = [](ManualClock& clock) { clock.advance(20ms); };
  EXPECT_THAT(conformance::check_source({.type = type(), .options = options_with(500), .events = 500, .step = step}),
              IsEmpty());
}

TEST(Generator, RunsOnTheFirstReactorOnly) {
  ManualClock clock;
  Context context(clock);
  boost::asio::io_context reactor;
  conformance::FakeOutput output(context, 1_MiB);
  const auto options = options_with(10);
  auto source = type().make({"g", options, Level::accepted, {}, context});
  auto second = source->intake({reactor, 1, output});
  second->start();
  EXPECT_TRUE(second->quiet());
  clock.advance(1s);
  reactor.run_for(10ms);
  EXPECT_THAT(output.events, IsEmpty());
}

TEST(Generator, IsAtItsEndOnceTheLastEventHasBeenGiven) {
  for (const char* at_end : {"stop", "wait"}) {
    ManualClock clock;
    Context context(clock);
    boost::asio::io_context reactor;
    conformance::FakeOutput output(context, 1_MiB);
    auto options = options_with(10);
    options.set("at_end", std::string(at_end));
    auto source = type().make({"g", options, Level::accepted, {}, context});
    auto intake = source->intake({reactor, 0, output});
    intake->start();
    EXPECT_FALSE(source->at_end());
    const auto step = [&] {
      clock.advance(10ms);
      reactor.restart();
      reactor.run_for(10ms);
      if (output.events.size() < 10) EXPECT_FALSE(source->at_end());
    };
    EXPECT_TRUE(until([&] { return output.events.size() >= 10; }, step));
    for (int i = 0; i < 5; ++i) step();
    EXPECT_EQ(output.events.size(), 10u) << "and no more";
    EXPECT_EQ(source->at_end(), at_end == std::string("stop"));
    intake->stop({});
  }
}

TEST(Generator, SaysWhatIsWrongWithItsOptions) {
  Context context;
  Options options;
  options.set("steps", std::vector<std::string>{"10s:1000"});
  const auto opened = type().make({"g", options, Level::accepted, {}, context})->open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message,
            "source g: steps: \"10s:1000\" is no step: write a time and a rate, as in 10s:1000/s");
  options.set("steps", std::vector<std::string>{});
  options.set("priorities", std::string("vip=1"));
  const auto mixed = type().make({"g", options, Level::accepted, {}, context})->open();
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().message, HasSubstr("\"vip=1\" is no share"));
}

std::uint64_t run(Schedule& schedule, TimePoint& now, Duration length, Duration step = 5ms) {
  std::uint64_t sum = 0;
  for (const auto end = now + length; now < end; now += step) sum += schedule.due(now);
  return sum;
}

TEST(Schedule, KeepsItsRateOverTime) {
  Schedule schedule({{Duration::max(), {1000}}});
  TimePoint now{1s};
  EXPECT_NEAR(static_cast<double>(run(schedule, now, 10s)), 10'000, 10);
  Schedule slow({{Duration::max(), {0.5}}});
  EXPECT_NEAR(static_cast<double>(run(slow, now, 20s)), 10, 1);
}

TEST(Schedule, GoesThroughItsStepsAndStaysWithTheLast) {
  Schedule schedule({{2s, {100}}, {1s, {0}}, {1s, {1000}}});
  TimePoint now{1s};
  EXPECT_NEAR(static_cast<double>(run(schedule, now, 2s)), 200, 2);
  EXPECT_NEAR(static_cast<double>(run(schedule, now, 1s)), 0, 1);
  EXPECT_NEAR(static_cast<double>(run(schedule, now, 3s)), 3000, 10);
}

TEST(Schedule, CatchesUpWithALateTimerButNotWithAStandstill) {
  Schedule schedule({{Duration::max(), {1000}}});
  TimePoint now{1s};
  EXPECT_EQ(schedule.due(now), 0u);
  EXPECT_EQ(schedule.due(now += 50ms), 50u);
  EXPECT_EQ(schedule.due(now += 10s), 100u);
  schedule.forget_until(now += 10s);
  EXPECT_EQ(schedule.due(now += 5ms), 5u);
}

TEST(Steps, AreATimeAndARate) {
  const auto steps = parse_steps({"500ms:60/min", " 2m : 1.5/s "});
  ASSERT_TRUE(steps);
  EXPECT_EQ(steps->at(0).length, 500ms);
  EXPECT_DOUBLE_EQ(steps->at(0).rate.value, 1);
  EXPECT_EQ(steps->at(1).length, 120s);
  for (const std::string bad : {"", "10s", "10:1/s", "x:1/s", "1s:-1/s", "1s:1", "1s:1/s/s"})
    EXPECT_FALSE(parse_steps({bad})) << bad;
}

TEST(Mix, IsASumOfShares) {
  EXPECT_THAT(parse_mix("critical=1, normal=8,batch=1").value(), ElementsAre(1, 0, 8, 0, 1));
  for (const std::string bad : {"", "normal", "normal=", "=1", "normal=x", "normal=0", "normal=1;batch=1"})
    EXPECT_FALSE(parse_mix(bad)) << bad;
}

TEST(Maker, MakesTheSameEventsForTheSameSeed) {
  Maker a(200_B, {1, 0, 8, 0, 1}, 7), b(200_B, {1, 0, 8, 0, 1}, 7);
  std::array<int, priority_count> seen{};
  for (int i = 0; i < 1000; ++i) {
    a.next();
    b.next();
    ASSERT_EQ(a.text(), b.text());
    ASSERT_EQ(a.text().size(), 200u);
    ++seen[static_cast<std::size_t>(a.priority())];
  }
  EXPECT_NEAR(seen[2], 800, 50);
  EXPECT_EQ(seen[1] + seen[3], 0);
  EXPECT_THAT(std::string(a.text()), HasSubstr(R"({"id":"g-7-1000","n":1000,"priority":")"));
  auto valid = Expression::compile(R"(.n == 1000 && starts_with(.pad, "xxx"))");
  EXPECT_TRUE(valid->matches(PaddedText(a.text()).view()));
}

TEST(Maker, IsAsShortAsItCanBeWhenTheSizeIsSmaller) {
  Maker tiny(1_B, {0, 0, 1, 0, 0}, 1);
  tiny.next();
  EXPECT_EQ(tiny.text(), R"({"id":"g-1-1","n":1,"priority":"normal","pad":""})");
}

}  // namespace
}  // namespace weir::generator
