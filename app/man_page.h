#pragma once
/// The man page weir(1), made from the table of commands and the one of exit codes.
///
/// Thread: pure. Cost: a few KiB of text. Ref: man(7).
#include <string>

#include "command_table.h"

namespace weir::app {

std::string man_page(const CommandTable& table);

}  // namespace weir::app
