#pragma once
/// Loading a configuration for a command: every problem goes to standard error, one line each.
#include <optional>

#include "config/load.h"

namespace weir::app {

/// Whether there is a configuration.
bool explain(const config::Loaded& loaded);
std::optional<config::Config> load_or_explain(const std::vector<std::string>& files, const Catalog& catalog);

}  // namespace weir::app
