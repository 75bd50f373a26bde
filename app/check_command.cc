#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "config/load.h"
#include "config/report.h"
#include "exit_codes.h"
#include "loading.h"

namespace weir::app {

int check(const std::vector<std::string>& files, const Catalog& catalog, const CheckOptions& options) {
  const auto config = load_or_explain(files, catalog);
  if (!config) return bad_configuration;
  if (options.print)
    fmt::print("{}", config::to_yaml(*config, catalog));
  else if (options.graph)
    fmt::print("{}", config::to_graph(*config));
  else if (options.json)
    fmt::print("{}", config::to_json(config::make_report(*config, catalog)));
  else
    fmt::print("{}", config::to_text(config::make_report(*config, catalog), ::isatty(STDOUT_FILENO) == 1));
  return ok;
}

}  // namespace weir::app
