#pragma once
/// The commands and their options as plain data: what the man page and the completion scripts are made of.
/// command_line.cc makes it from the definition of the command line, whose header nobody else has to compile.
///
/// Thread: a value. Cost: a few KiB of text.
#include <string>
#include <vector>

namespace weir::app {

struct CommandOption {
  std::vector<std::string> short_names, long_names;  ///< without dashes
  std::string positional{};                          ///< "FILE"; empty: it has a name
  std::string help{}, fallback{};
  bool takes_value = false;  ///< no flag
  bool required = false;
  bool is_help = false;
};

struct CommandRow {
  std::string name;  ///< "journal", "journal ls"
  std::string help;
  std::vector<CommandOption> options;
  std::vector<std::string> commands;  ///< of a group
  bool is_nested() const { return name.find(' ') != name.npos; }
};

struct CommandTable {
  std::string help;                  ///< of the program
  std::vector<CommandRow> commands;  ///< every command, those of a group behind it
};

}  // namespace weir::app
