#include "filter.h"

namespace weir::filter {
namespace {

class Plan final : public StagePlan {
 public:
  Plan(std::string where, Attributes reads) : where_(std::move(where)), reads_(reads) {}
  Attributes reads() const override { return reads_; }
  std::unique_ptr<Stage> stage() override {
    // It compiled before: a parser's memory belongs to one thread, so each reactor gets its own.
    return std::make_unique<Filter>(std::move(Expression::compile(where_).value()));
  }

 private:
  std::string where_;
  Attributes reads_;
};

}  // namespace

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "filter";
  type.summary = "lets on the events for which a condition is true";
  type.options = {
      {.name = "where",
       .kind = OptionKind::expression,
       .required = true,
       .help = "The condition: '.status == \"paid\"'."},
  };
  type.compile = [](const Options& options, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    auto where = Expression::compile(options.text("where"));
    if (!where) return std::unexpected(std::move(where.error()));
    return std::make_shared<Plan>(options.text("where"), where->attributes());
  };
  catalog.add(std::move(type));
}

}  // namespace weir::filter
