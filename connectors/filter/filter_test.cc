#include "filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/expression/counting_new.h>

namespace weir::filter {
namespace {

Result<std::shared_ptr<StagePlan>> compile(const std::string& where) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("where", where);
  return catalog.stage("filter")->compile(options, Context());
}

TEST(Filter, KeepsTheEventsForWhichItsConditionIsTrue) {
  auto plan = compile(R"(.status == "paid" && .total >= 10)");
  ASSERT_TRUE(plan);
  const auto stage = (*plan)->stage();
  std::string out;
  for (const auto layout : {conformance::Layout::lines, conformance::Layout::array}) {
    auto batch = conformance::batch_of({R"({"status":"paid","total":10})", R"({"status":"paid","total":9})", "no json",
                                        R"({"status":"open","total":99})", R"({"total":12,"status":"paid"})"},
                                       1, layout);
    std::vector<bool> kept;
    for (std::uint32_t i = 0; i < batch.size(); ++i)
      kept.push_back(stage->take({batch[i], batch.info(), {}, {}}, out).kind == Verdict::Kind::passed);
    EXPECT_THAT(kept, testing::ElementsAre(true, false, false, false, true));
    batch.settle(Fate::stored);
  }
  EXPECT_TRUE(out.empty());
}

TEST(Filter, ShowsWhereItsConditionIsWrong) {
  const auto plan = compile(".status = 1");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message, "a comparison is written ==\n  .status = 1\n          ^");
}

TEST(Filter, AllocatesNothingForAnEvent) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("where", std::string(R"(lower(.status) == "paid" && .n > 1)"));
  const auto plan = catalog.stage("filter")->compile(options, Context()).value();
  const auto stage = plan->stage();
  EXPECT_EQ(steady_allocations(*stage), 0);
}

}  // namespace
}  // namespace weir::filter
