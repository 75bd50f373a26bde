#pragma once
/// How many files and connections the process may have open.
///
/// Thread: at start, before others. Cost: two system calls.
#include <string>

#include "config/config.h"

namespace weir::app {

/// Raises the limit of open files to the highest that the system allows this process; the limit it then has.
std::uint64_t raise_descriptor_limit();

/// What to say when the configured connections do not fit into `limit`, which keeps some for files, sinks and admin; ""
/// when they do.
std::string descriptor_warning(const config::MemoryTable& memory, std::uint64_t limit);

}  // namespace weir::app
