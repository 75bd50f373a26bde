#include "config/tests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

LoadedTests read(const std::string& tests) {
  return load_with_tests({"weir.yaml"}, fake_catalog(),
                         fake_options({{"weir.yaml",
                                        "sources:\n  in: { type: ticker }\n"
                                        "sinks:\n  out: { type: print, from: [in] }\n" +
                                            tests}}));
}

/// The only problem of this step or expectation.
std::string problem(const std::string& step, const std::string& expect = "{ only: true }") {
  const auto all = read("tests:\n  - name: n\n    events: [ " + step + " ]\n    expect: " + expect + "\n");
  if (all.loaded.problems.size() != 1) return std::to_string(all.loaded.problems.size()) + " problems";
  return all.loaded.problems[0].text();
}

TEST(Tests, AreReadWithTheirStepsAndWhatTheyExpect) {
  const auto all = read(
      "tests:\n  - name: n\n    events: [ { into: in, event: { a: [1, '1', ~] }, priority: high }, { advance: 2s } ]\n"
      "    expect: { sinks: { out: [ x, { b: true } ] }, fates: { dropped: { throttled: 1 } } }\n");
  for (const auto& each : all.loaded.problems) EXPECT_TRUE(each.warning) << each.text();
  ASSERT_EQ(all.cases.size(), 1u);
  const TestCase& test = all.cases[0];
  ASSERT_EQ(test.steps.size(), 2u);
  EXPECT_EQ(test.steps[0].event, R"({"a":[1,"1",null]})");
  EXPECT_EQ(test.steps[0].priority, Priority::high);
  EXPECT_EQ(test.steps[1].advance, std::chrono::seconds(2));
  ASSERT_EQ(test.sinks.at(0).events.size(), 2u);
  EXPECT_TRUE(test.sinks[0].events[0].exact);
  EXPECT_EQ(test.sinks[0].events[1].text, R"({"b":true})");
  EXPECT_EQ(test.fates.at(0).reason, Reason::throttled);
  EXPECT_EQ(test.location.line, 6);
}

TEST(Tests, SayWhatIsWrongAndWhere) {
  EXPECT_THAT(problem("{ into: inn, event: x }"), AllOf(HasSubstr("weir.yaml:7:23"), HasSubstr("did you mean in?")));
  EXPECT_THAT(problem("{ into: in }"), HasSubstr("has no event"));
  EXPECT_THAT(problem("{ event: x }"), HasSubstr("does not say where it goes"));
  EXPECT_THAT(problem("{ advance: 25h }"), HasSubstr("at most 24h"));
  EXPECT_THAT(problem("{ advance: 20h }, { advance: 20h }"), HasSubstr("more than a day"));
  EXPECT_THAT(problem("", "{ sinks: { outt: [] } }"), HasSubstr("did you mean out?"));
  EXPECT_THAT(problem("", "{ fates: { dropped: { rainy: 1 } } }"), HasSubstr("is no reason"));
  EXPECT_THAT(problem("", "{ fates: { stord: 1 } }"), HasSubstr("did you mean stored?"));
  EXPECT_THAT(problem("", "{}"), HasSubstr("expects nothing"));
  EXPECT_THAT(problem("", "{ olny: true, only: true }"), HasSubstr("did you mean only?"));
}

}  // namespace
}  // namespace weir::config
