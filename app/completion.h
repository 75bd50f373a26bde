#pragma once
/// Completion scripts for bash, zsh and fish, made from the table of commands: subcommands, their options, YAML files
/// where a configuration is expected, reasons after `explain`, shells after `completion`.
///
/// Thread: pure. Cost: a few KiB of text.
#include <set>
#include <string>

#include "command_table.h"

namespace weir::app {

inline const std::set<std::string> shells{"bash", "fish", "zsh"};

std::string completion_script(const CommandTable& table, const std::string& shell);

}  // namespace weir::app
