#pragma once
/// The man page weir(1), made from the definition of the command line and the table of exit codes.
///
/// Thread: pure. Cost: a few KiB of text. Ref: man(7).
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace weir::app {

std::string man_page(const CLI::App& cli);

}  // namespace weir::app
