#include "loading.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::app {

bool explain(const config::Loaded& loaded) {
  for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.text());
  const auto errors = std::ranges::count_if(loaded.problems, [](const auto& p) { return !p.warning; });
  if (errors > 1) fmt::print(stderr, "weir: {} errors\n", errors);
  return loaded.config.has_value();
}

std::optional<config::Config> load_or_explain(const std::vector<std::string>& files, const Catalog& catalog) {
  auto loaded = config::load(files, catalog, config::system_load_options());
  explain(loaded);
  return std::move(loaded.config);
}

}  // namespace weir::app
