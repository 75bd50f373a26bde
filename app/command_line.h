#pragma once
/// Every command, option and argument, in one place: parsing, `--help`, the man page and shell completion are all made
/// from this definition.
///
/// Thread: one. Cost: start only.
#include <weir/component/catalog.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands.h"

namespace weir::app {

/// What was written on the command line, and the code to exit with.
struct CommandLine {
  std::vector<std::string> files;
  std::string admin = "127.0.0.1:9600", init_file = "weir.yaml", node, reason, shell;
  bool quiet = false, force = false;
  CheckOptions check;
  TestOptions test;
  TopOptions top;
  TapOptions tap;
  std::string journal_path;
  JournalOptions journal;
  std::string replay_from;
  ReplayOptions replay;
  int code = 0;
};

/// Adds the commands to `cli`; parsing it runs the one that was named. All three have to outlive the parsing.
void define_commands(CLI::App& cli, CommandLine& line, const Catalog& catalog);

}  // namespace weir::app
