#include <gmock/gmock.h>

#include "config/loaded_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct ChangingPlan final : StagePlan {
  std::unique_ptr<weir::Stage> stage() override { return nullptr; }
  Growth growth() const override { return {.factor = 2}; }
};
struct SplittingPlan final : StagePlan {
  std::unique_ptr<weir::Stage> stage() override { return nullptr; }
  std::vector<std::string> outputs() const override { return {"a", "b"}; }
};

template <typename Plan>
StageType stage_type(const char* name) {
  StageType type = type_of<StageType>(name, name);
  type.compile = [](const Options&, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    return std::make_shared<Plan>();
  };
  return type;
}

/// What is said of a flow of these stages, whose sink reads `from`; the stages lead somewhere in any case.
std::vector<std::string> said(const std::string& stages, const std::string& from) {
  Catalog catalog = fake_catalog();
  catalog.add(stage_type<ChangingPlan>("change"));
  catalog.add(stage_type<SplittingPlan>("split"));
  const auto loaded = load_text("memory: 256MiB\nsources: { s: { type: http, listen: '127.0.0.1:1' } }\nstages:\n" +
                                    stages + "sinks:\n  k: { type: post, from: [" + from + "] }\n",
                                "weir.yaml", catalog, fake_options());
  std::vector<std::string> out;
  for (const Problem& problem : loaded.problems) out.push_back(problem.text());
  return out;
}

TEST(SeveralWays, ThatMakeDifferentThingsOfAnEventAreWarnedOf) {
  const std::string two = "  x: { type: change, from: s }\n  y: { type: change, from: s }\n";
  EXPECT_THAT(said(two, "x, y"),
              ElementsAre(HasSubstr("sinks.k.from: warning: events of s come over x and over y: each "
                                    "is taken once, as the first that lets it through has made it")));
  EXPECT_THAT(said("  x: { type: change, from: s }\n", "s, x"), ElementsAre(HasSubstr("over s and over x")));
  EXPECT_THAT(said("  f: { type: filter, where: a == 1, from: s }\n  x: { type: change, from: s }\n", "f, x"),
              ElementsAre(HasSubstr("over f and over x")));
  EXPECT_THAT(said(two + "  z: { type: change, from: [x, y] }\n", "z"),
              ElementsAre(HasSubstr("stages.z.from: warning")));
}

TEST(SeveralWays, OfWhichAnEventTakesOneOrThatAreAllTheSameAreNot) {
  EXPECT_THAT(
      said("  r: { type: split, from: s }\n  x: { type: change, from: r.a }\n  y: { type: change, from: r.b }\n",
           "x, y"),
      IsEmpty());
  EXPECT_THAT(
      said("  f: { type: filter, where: a == 1, from: s }\n  g: { type: filter, where: a == 2, from: s }\n", "f, g"),
      IsEmpty());
  EXPECT_THAT(said("  x: { type: change, from: s }\n  f: { type: filter, where: a == 1, from: x }\n"
                   "  g: { type: filter, where: a == 2, from: x }\n",
                   "f, g"),
              IsEmpty());
}

}  // namespace
}  // namespace weir::config
