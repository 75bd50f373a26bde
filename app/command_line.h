#pragma once
/// Every command, option and argument, in one place: parsing, `--help`, the man page and shell completion are all made
/// from this definition. Only the files that need the definition include CLI11: it costs seconds of compiler time.
///
/// Thread: one. Cost: start only.
#include <weir/component/catalog.h>

namespace weir::app {

/// Runs the command that the arguments name; the code to exit with. A mistake in them is `bad_usage`.
int run_command_line(int argc, char** argv, const Catalog& catalog);

}  // namespace weir::app
