#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>

#include <cerrno>
#include <system_error>

#include "commands.h"
#include "config/load.h"
#include "config/report.h"
#include "exit_codes.h"
#include "loading.h"

namespace weir::app {
namespace {

void look_for_files(const config::Node& node, const std::string& path) {
  for (const char* option : {"tls_ca", "tls_certificate", "tls_key", "password_file"}) {
    if (!node.options.has(option) || ::access(node.options.text(option).c_str(), R_OK) == 0) continue;
    const std::string why = std::generic_category().message(errno);
    fmt::print(stderr, "{}: {}.{}: warning: {} cannot be read here: {}; a run on this machine would not start\n",
               config::to_text(node.location), path, option, terminal_text(node.options.text(option)), why);
  }
}

/// Only warnings: the machine that runs it may have what the one that checks it has not.
void warn_of_missing_files(const config::Config& config) {
  for (const auto& source : config.sources)
    if (!source.is_consumer()) look_for_files(source, source.path());
  for (const auto& sink : config.sinks) look_for_files(sink, sink.path());
}

}  // namespace

int check(const std::vector<std::string>& files, const Catalog& catalog, const CheckOptions& options) {
  const auto config = load_or_explain(files, catalog);
  if (!config) return bad_configuration;
  warn_of_missing_files(*config);
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
