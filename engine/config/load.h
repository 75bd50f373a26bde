#pragma once
/// Loads files into a validated `Config`, or into the list of all problems.
///
/// Loading goes on after a problem, so one run shows all of them. Afterwards nothing is left to find out: names
/// resolve, options have their kinds, each source can be given the level it asks for, the memory adds up. `config` is
/// set when no problem is more than a warning.
///
/// Several files and directories merge by section; a name defined twice is a problem that names both places.
/// `${VAR}`, `${VAR:-default}` and `$$` are replaced inside scalars after the YAML is parsed, so a value can never add
/// structure. `file:PATH` as the value of an option (or of admin) is read and remembered as a secret.
///
/// Thread: pure but for `env`, `read_file`, the stamps of such files and the listing of directories. Cost: start and
/// reload only; a few ms.
#include <weir/base/result.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace weir::config {

struct Loaded {
  std::optional<Config> config;
  std::vector<Problem> problems;  ///< in the order of files and lines
};

struct LoadOptions {
  std::function<std::optional<std::string>(std::string_view)> env;
  std::function<Result<std::string>(const std::string&)> read_file;
  Bytes machine_memory;  ///< for `memory: auto`: the cgroup's limit, or the machine's
  int cores = 1;         ///< for `reactors: auto`
};

/// Environment, files (up to 1 MiB), memory and cores of this machine and cgroup.
LoadOptions system_load_options();

Loaded load(const std::vector<std::string>& paths, const Catalog& catalog, const LoadOptions& options);
Loaded load_text(std::string_view yaml, std::string_view name, const Catalog& catalog, const LoadOptions& options);

}  // namespace weir::config
