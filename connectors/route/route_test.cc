#include "route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/expression/counting_new.h>
#include <weir/component/expression/testing.h>

namespace weir::route {
namespace {

Result<std::shared_ptr<StagePlan>> compile(Options::Table outputs) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("outputs", std::move(outputs));
  return catalog.stage("route")->compile(options, Context());
}

TEST(Route, SendsEachEventByTheFirstOutputThatMatches) {
  const auto plan = compile({{"large", ".n > 10"}, {"even", ".n == 2 || .n == 12"}, {"text", R"(contains(.s, "x"))"}});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT((*plan)->outputs(), testing::ElementsAre("large", "even", "text", "unmatched"));
  const auto stage = (*plan)->stage();
  const BatchInfo info;
  std::string out;
  const std::pair<const char*, int> table[] = {{R"({"n":12})", 0}, {R"({"n":2})", 1}, {R"({"n":1,"s":"x"})", 2},
                                               {R"({"n":1})", 3},  {"no json", 3},    {R"({"s":"x"})", 2}};
  for (const auto& [event, output] : table) {
    const PaddedText padded(event);
    const auto verdict = stage->take({padded.view(), info, {}, {}}, out);
    EXPECT_EQ(verdict.kind, Verdict::Kind::passed);
    EXPECT_EQ(verdict.output, output) << event;
  }
  EXPECT_TRUE(out.empty());
}

TEST(Route, SaysWhatIsWrongWithAnOutput) {
  const auto complaint = [](Options::Table outputs) {
    const auto plan = compile(std::move(outputs));
    return plan ? "compiled" : plan.error().message;
  };
  EXPECT_EQ(complaint({{"a", ".x = 1"}}), "outputs \"a\": a comparison is written ==\n  .x = 1\n     ^");
  EXPECT_THAT(complaint({}), testing::HasSubstr("at least one output"));
  EXPECT_THAT(complaint({{"a.b\x1b", ".x"}}), testing::HasSubstr("outputs \"a.b\\u001b\": a name has"));
  EXPECT_THAT(complaint({{"unmatched", ".x"}}), testing::HasSubstr("always there"));
  EXPECT_THAT(complaint({{"a", ".x"}, {"a", ".y"}}), testing::HasSubstr("two of this name"));
  EXPECT_THAT(complaint(Options::Table(33, {"a", ".x"})), testing::HasSubstr("at most 32"));
}

TEST(Route, AllocatesNothingForAnEvent) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("outputs", Options::Table{{"open", R"(.status == "open")"}, {"large", ".n > 5000"}});
  const auto plan = catalog.stage("route")->compile(options, Context()).value();
  const auto stage = plan->stage();
  EXPECT_EQ(steady_allocations(*stage), 0);
}

}  // namespace
}  // namespace weir::route
