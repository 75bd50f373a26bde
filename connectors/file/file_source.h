#pragma once
/// Source `file`: reads lines from files, once or as they grow. README.md has its guarantees.
///
/// Thread: that which starts the process; the intake has the rest. Cost: none while running.
#include "file_intake.h"

namespace weir::file {

FileConfig read_config(const SourceSetup& setup);
SourceType source_type();
void add_to(Catalog& catalog);

}  // namespace weir::file
