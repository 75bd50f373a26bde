// The composition root: the only place that knows every connector and every command.
#include "command_line.h"

int main(int argc, char** argv) {
  weir::Catalog catalog;
  weir::add_all_connectors(catalog);
  return weir::app::run_command_line(argc, argv, catalog);
}
