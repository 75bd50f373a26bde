// The composition root: the one place that knows every connector and every command.
#include "command_line.h"
#include "exit_codes.h"

int main(int argc, char** argv) {
  using namespace weir;
  Catalog catalog;
  add_all_connectors(catalog);
  CLI::App cli;
  app::CommandLine line;
  app::define_commands(cli, line, catalog);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? app::ok : app::bad_usage;
  }
  return line.code;
}
