#pragma once
/// Completion scripts for bash, zsh and fish, made from the definition of the command line: subcommands, their options,
/// YAML files where a configuration is expected, reasons after `explain`, shells after `completion`.
///
/// Thread: pure. Cost: a few KiB of text.
#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace weir::app {

struct NamedCommand {
  std::string name;  ///< "journal", "journal ls"
  const CLI::App* app;
};
/// Every command, those of a group behind it.
std::vector<NamedCommand> all_commands(const CLI::App& cli);

inline const std::set<std::string> shells{"bash", "fish", "zsh"};
/// False for flags.
bool takes_value(const CLI::Option& option);

std::string completion_script(const CLI::App& cli, const std::string& shell);

}  // namespace weir::app
