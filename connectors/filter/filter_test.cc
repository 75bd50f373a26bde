#include "filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <weir/component/conformance/batches.h>

namespace weir::filter {
namespace {

Result<std::unique_ptr<Stage>> make(const std::string& where) {
  Catalog catalog;
  add_to(catalog);
  Options options;
  options.set("where", where);
  return catalog.stage("filter")->make(options);
}

TEST(Filter, KeepsTheEventsForWhichItsConditionIsTrue) {
  auto stage = make(R"(.status == "paid" && .total >= 10)");
  ASSERT_TRUE(stage);
  for (const auto layout : {conformance::Layout::lines, conformance::Layout::array}) {
    auto batch = conformance::batch_of({R"({"status":"paid","total":10})", R"({"status":"paid","total":9})", "no json",
                                        R"({"status":"open","total":99})", R"({"total":12,"status":"paid"})"},
                                       1, layout);
    std::vector<bool> kept;
    for (std::uint32_t i = 0; i < batch.size(); ++i) kept.push_back((*stage)->keeps(batch[i]));
    EXPECT_THAT(kept, testing::ElementsAre(true, false, false, false, true));
    batch.settle(Fate::stored);
  }
}

TEST(Filter, ShowsWhereItsConditionIsWrong) {
  const auto stage = make(".status = 1");
  ASSERT_FALSE(stage);
  EXPECT_EQ(stage.error().message, "a comparison is written ==\n  .status = 1\n          ^");
}

}  // namespace
}  // namespace weir::filter
