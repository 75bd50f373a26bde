// `tests:` from the file to the diff, with the stages that people use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"
#include "config/tests.h"
#include "rehearsal/expectations.h"

namespace weir::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What is wrong with each case of a flow: `stages` between the source `in` and the sinks.
std::vector<std::string> failures(const std::string& parts, const std::string& test) {
  Catalog catalog;
  add_all_connectors(catalog);
  const std::string yaml =
      "sources:\n  in: { type: http, listen: '127.0.0.1:1', priority: { from: .prio, map: { urgent: high }, default: "
      "low "
      "},"
      " on_malformed: dead_letter, dead_letter: bad }\n" +
      parts + "  bad: { type: file, path: bad }\ntests:\n  - name: case\n" + test;
  const config::LoadOptions options = config::fake_options({{"weir.yaml", yaml}});
  const auto all = config::load_with_tests({"weir.yaml"}, catalog, options);
  std::vector<std::string> out;
  for (const auto& problem : all.loaded.problems)
    if (!problem.warning) out.push_back(problem.text());
  if (!all.loaded.config) return out;
  for (const auto& each : all.cases)
    for (const auto& line : pipeline::differences(each, pipeline::rehearse(*all.loaded.config, catalog, each)))
      out.push_back(line.text);
  return out;
}

std::string stage(const std::string& options) {
  return "stages:\n  s: { from: [in], " + options + " }\nsinks:\n  out: { type: file, from: [s], path: out }\n";
}

TEST(Rehearsal, CountsWhatAFilterLeavesOut) {
  EXPECT_THAT(failures(stage("type: filter, where: .n > 1"),
                       "    events: [ { into: in, event: { n: 1 } }, { into: in, event: { n: 2 } } ]\n"
                       "    expect: { sinks: { out: [ '{\"n\":2}' ] }, fates: { filtered: 1, stored: 1 } }\n"),
              IsEmpty());
}

const std::string through_a_journal =
    "journals:\n  log: { type: disk, from: [in], path: log }\n"
    "stages:\n  s: { from: [log], type: filter, where: .n > 1 }\n"
    "sinks:\n  out: { type: file, from: [s], path: out, on_failure: drop }\n"
    "  all: { type: file, from: [log], path: all, on_failure: drop }\n";

TEST(Rehearsal, PassesOnWhatAJournalIsGivenToEachOfItsConsumers) {
  EXPECT_THAT(failures(through_a_journal,
                       "    events: [ { into: in, event: { n: 1 } }, { into: in, event: { n: 2 } } ]\n"
                       "    expect: { sinks: { out: [ { n: 2 } ], all: [ { n: 1 }, { n: 2 } ] }, only: true,\n"
                       "              fates: { stored: 2 } }\n"),
              IsEmpty());
}

TEST(Rehearsal, TakesWhatIsExpectedOfAJournalAtItsWord) {
  EXPECT_THAT(failures(through_a_journal,
                       "    events: [ { into: in, event: { n: 1 } } ]\n"
                       "    expect: { sinks: { log: { count: 2 } } }\n"),
              ElementsAre("sink log", "2 events", "1 event"));
}

TEST(Rehearsal, SaysWhatWasExpectedAndWhatCame) {
  EXPECT_THAT(failures(stage("type: filter, where: .n > 1"),
                       "    events: [ { into: in, event: { n: 2, a: 1 } } ]\n"
                       "    expect: { sinks: { out: [ { n: 3 } ] } }\n"),
              ElementsAre("sink out: 1 event expected, 1 came", R"({"n":3})", R"({"a":1,"n":2})"));
}

TEST(Rehearsal, TellsTextsInQuotesFromNumbers) {
  EXPECT_THAT(failures(stage("type: map, remove: [.x]"),
                       "    events: [ { into: in, event: { a: \"1\", b: 1, x: y } } ]\n"
                       "    expect: { sinks: { out: [ '{\"a\":\"1\",\"b\":1}' ] } }\n"),
              IsEmpty());
  EXPECT_THAT(
      failures(stage("type: map, remove: [.x]"),
               "    events: [ { into: in, event: { a: '1' } } ]\n    expect: { sinks: { out: [ { a: 1 } ] } }\n"),
      ElementsAre("sink out: 1 event expected, 1 came", R"({"a":1})", R"({"a":"1"})"));
}

TEST(Rehearsal, ReadsThePriorityFromTheEventUnlessTheCaseSaysIt) {
  EXPECT_THAT(
      failures(
          stage("type: filter, where: .n > 0"),
          "    events: [ { into: in, event: { n: 1, prio: urgent } }, { into: in, event: { n: 2 } },\n"
          "              { into: in, event: { n: 3 }, priority: critical } ]\n"
          "    expect: { sinks: { out: [ { event: { n: 1 }, priority: high }, { event: { n: 2 }, priority: low },\n"
          "                              { event: { n: 3 }, priority: critical } ] } }\n"),
      IsEmpty());
}

TEST(Rehearsal, TellsAnEventOfAnotherPriority) {
  EXPECT_THAT(
      failures(stage("type: filter, where: .n > 0"),
               "    events: [ { into: in, event: { n: 1 } } ]\n"
               "    expect: { sinks: { out: [ { event: { n: 1 }, priority: high } ] } }\n"),
      ElementsAre("sink out: 1 event expected, 1 came", R"({"n":1}  (priority high))", R"({"n":1}  (priority low))"));
}

TEST(Rehearsal, EndsWindowsWhenTimeMovesAndAtTheEnd) {
  const auto parts = stage("type: aggregate, window: 10s, values: { n: count() }");
  const std::string events =
      "    events: [ { into: in, event: {} }, { into: in, event: {} }, { advance: 10s }, { into: in, event: {} } ]\n";
  EXPECT_THAT(
      failures(parts, events + "    expect: { sinks: { out: [ { n: 2 }, { n: 1 } ] }, fates: { stored: 3 } }\n"),
      IsEmpty());
  EXPECT_THAT(
      failures(parts, events + "    finish: false\n"
                               "    expect: { sinks: { out: [ { n: 2 } ] }, fates: { stored: 2, pending: 1 } }\n"),
      IsEmpty());
}

TEST(Rehearsal, KeepsThePaceOfAThrottleAndShedsWhatIsAbove) {
  const std::string three =
      "    events: [ { into: in, event: { n: 1 } }, { into: in, event: { n: 2 } }, { into: in, event: { n: 3 } }";
  EXPECT_THAT(failures(stage("type: throttle, rate: 10/s"),
                       three + ", { advance: 150ms } ]\n    finish: false\n"
                               "    expect: { sinks: { out: { count: 2 } }, fates: { stored: 2, pending: 1 } }\n"),
              IsEmpty());
  EXPECT_THAT(failures(stage("type: throttle, rate: 10/s"), three + " ]\n    expect: { fates: { stored: 3 } }\n"),
              IsEmpty())
      << "the end waits for what waits";
  EXPECT_THAT(failures(stage("type: throttle, rate: 10/s, when_over: shed"),
                       three + " ]\n    expect: { fates: { stored: 1, dropped: { throttled: 2 } } }\n"),
              IsEmpty());
}

TEST(Rehearsal, KeepsWhatIsNoJsonApart) {
  EXPECT_THAT(failures(stage("type: filter, where: .n > 0"),
                       "    events: [ { into: in, event: '{' } ]\n"
                       "    expect: { only: true, sinks: { bad: [ { reason: malformed, event: '{' } ] },\n"
                       "              fates: { dead_lettered: 1 } }\n"),
              IsEmpty());
}

TEST(Rehearsal, ComparesInAnyOrderWithAnEventForEach) {
  EXPECT_THAT(failures(stage("type: sample, rate: 100%"),
                       "    events: [ { into: in, event: { a: 1, b: 1 } }, { into: in, event: { a: 1 } } ]\n"
                       "    expect: { sinks: { out: { any_order: true, events: [ { a: 1 }, { b: 1 } ] } } }\n"),
              IsEmpty());
}

TEST(Rehearsal, OnlyMeansThatOtherSinksStayEmpty) {
  EXPECT_THAT(failures(stage("type: sample, rate: 100%"),
                       "    events: [ { into: in, event: { a: 1 } } ]\n    expect: { only: true }\n"),
              ElementsAre("sink out: 0 events expected, 1 came", R"({"a":1})"));
}

}  // namespace
}  // namespace weir::app
