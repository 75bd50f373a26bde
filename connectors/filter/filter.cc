#include "filter.h"

namespace weir::filter {

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
  type.make = [](const Options& options) -> Result<std::unique_ptr<Stage>> {
    auto where = Expression::compile(options.text("where"));
    if (!where) return std::unexpected(std::move(where.error()));
    return std::make_unique<Filter>(std::move(*where));
  };
  catalog.add(std::move(type));
}

}  // namespace weir::filter
