#include "calc.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::app {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

testing::Matcher<std::string> HasRow(std::string_view what, std::string_view value) {
  return HasSubstr(fmt::format("{:<32}{}\n", what, value));
}

std::string answer(std::string_view formula, const CalcOptions& options) {
  auto text = calculate(formula, options);
  return text ? *text : "error: " + text.error().message;
}

TEST(Calc, LittlesLawGivesTheThirdOfItsTwo) {
  EXPECT_THAT(answer("littles-law", {.rate = "10000/s", .time = "200ms"}), MatchesRegex("inside +2000\n.*"));
  EXPECT_THAT(answer("littles-law", {.time = "200ms", .inside = "2000"}), MatchesRegex("rate +10000/s\n.*"));
  EXPECT_THAT(answer("littles-law", {.rate = "10000/s", .inside = "2000"}), MatchesRegex("time inside +200 ms\n.*"));
  EXPECT_THAT(answer("littles-law", {.rate = "1/s"}), HasSubstr("takes two of"));
  EXPECT_THAT(answer("littles-law", {.rate = "1/s", .time = "1s", .inside = "1"}), HasSubstr("takes two of"));
}

TEST(Calc, Mm1ReproducesTheTableOfTheArticles) {
  const struct {
    const char *arrival, *waiting, *slowdown;
  } rows[]{{"500/s", "0.5", "2"},
           {"800/s", "3.2", "5"},
           {"900/s", "8.1", "10"},
           {"950/s", "18.05", "20"},
           {"990/s", "98.01", "100"}};
  for (const auto& row : rows) {
    const auto text = answer("mm1", {.arrival = row.arrival, .service = "1ms"});
    EXPECT_THAT(text, HasRow("waiting, mean", row.waiting));
    EXPECT_THAT(text, HasRow("times the bare service", row.slowdown));
  }
}

TEST(Calc, Md1WaitsHalfOfThat) {
  EXPECT_THAT(answer("md1", {.arrival = "800/s", .service = "1000/s"}), HasRow("waiting, mean", "1.6"));
}

TEST(Calc, MmcSaysHowManyServersAPromisedWaitTakes) {
  const auto text = answer("mmc", {.arrival = "800/s", .service = "10ms", .wait = "5ms"});
  EXPECT_THAT(text, HasRow("servers needed", "10"));
  EXPECT_THAT(text, HasSubstr("`workers: 10`"));
  EXPECT_THAT(answer("mmc", {.arrival = "80/s", .service = "10ms", .servers = "1"}),
              HasRow("share that waits", "80 %"));
  EXPECT_THAT(answer("mmc", {.arrival = "80/s", .service = "10ms"}), HasSubstr("--wait"));
}

TEST(Calc, ABoundIsThePromisedLatencyTimesTheRate) {
  const auto text = answer("queue-bound", {.rate = "10000/s", .latency = "200ms"});
  EXPECT_THAT(text, HasSubstr("2000 events"));
  EXPECT_THAT(text, HasSubstr("max_events: 2000"));
}

TEST(Calc, BandwidthDelayKeepsTheUnitOfItsRate) {
  EXPECT_THAT(answer("bandwidth-delay", {.rate = "100MiB/s", .round_trip = "50ms"}), HasSubstr(" 5 MiB\n"));
  EXPECT_THAT(answer("bandwidth-delay", {.rate = "1000/s", .round_trip = "50ms"}), HasSubstr(" 50 events\n"));
}

TEST(Calc, UtilisationWarnsAboveEightyPercent) {
  EXPECT_THAT(answer("utilisation", {.arrival = "640/s", .service = "10ms", .servers = "8"}), Not(HasSubstr("above")));
  EXPECT_THAT(answer("utilisation", {.arrival = "700/s", .service = "10ms", .servers = "8"}), HasSubstr("above 80 %"));
  EXPECT_THAT(answer("utilisation", {.arrival = "700/s", .service = "10ms", .servers = "8"}),
              HasRow("servers for 80 %", "9"));
  EXPECT_THAT(answer("utilisation", {.arrival = "800/s", .service = "10ms", .servers = "8"}),
              HasSubstr("no queue is long enough"));
}

TEST(Calc, AnUnboundedQueueIsThirtySecondsLateAndABoundedOneNever) {
  const auto text =
      answer("overload", {.arrival = "15000/s", .rate = "10000/s", .latency = "200ms", .for_time = "60s"});
  EXPECT_THAT(text, HasSubstr(" 300000\n"));
  EXPECT_THAT(text, HasSubstr(" 30 s\n"));
  EXPECT_THAT(text, HasSubstr(" 200 ms\n"));
  EXPECT_THAT(text, HasSubstr("max_events: 2000"));
}

TEST(Calc, WhatIsFullyBusyNeverComesToAnEnd) {
  EXPECT_THAT(answer("mm1", {.arrival = "100/s", .service = "10ms"}), HasRow("time waiting, mean", "without end"));
  EXPECT_THAT(answer("mmc", {.arrival = "900/s", .service = "10ms", .servers = "8"}), HasSubstr("100 %"));
}

TEST(Calc, SaysInOneLineWhatIsWrongWithAnOption) {
  const struct {
    const char* formula;
    CalcOptions options;
    const char* expected;
  } rows[]{
      {"mm1", {.service = "1ms"}, "--arrival is missing"},
      {"mm1", {.arrival = "800", .service = "1ms"}, "has no unit"},
      {"mm1", {.arrival = "0/s", .service = "1ms"}, "--arrival: must be more than 0"},
      {"mm1", {.arrival = "-1/s", .service = "1ms"}, "is not a rate"},
      {"mm1", {.arrival = "1/s", .service = "0ms"}, "--service: must be more than 0"},
      {"mm1", {.arrival = "1/s", .service = "0/s"}, "--service: must be more than 0"},
      {"mmc", {.arrival = "1/s", .service = "1ms", .servers = "0"}, "--servers: write 1 to"},
      {"mmc", {.arrival = "1/s", .service = "1ms", .servers = "9999999999"}, "--servers: write 1 to"},
      {"mmc", {.arrival = "1/s", .service = "1ms", .servers = "many"}, "not a whole number"},
      {"littles-law", {.rate = "1/s", .inside = "1.5"}, "not a whole number"},
      {"queue-bound", {.rate = "1/s", .latency = "soon"}, "--latency: "},
      {"bandwidth-delay", {.rate = "0/s", .round_trip = "1s"}, "must be more than 0"},
      {"overload", {.arrival = "1/s", .rate = "1/s"}, "--for is missing"},
  };
  for (const auto& row : rows) {
    const auto text = answer(row.formula, row.options);
    EXPECT_THAT(text, HasSubstr(row.expected));
    EXPECT_THAT(text, Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace weir::app
