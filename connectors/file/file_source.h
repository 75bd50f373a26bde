#pragma once
/// Source `file`: reads lines from files, once or as they grow. README.md has its guarantees.
///
/// Thread: that which starts the process; the intake has the rest. Cost: none while running.
#include "file_intake.h"

namespace weir::file {

FileConfig read_config(const SourceSetup& setup);
/// A test gives a file system of its own, and may have it asked in place instead of on a thread.
SourceType source_type(InputDisk& disk = system_input_disk(), bool read_in_place = false);
void add_to(Catalog& catalog);

}  // namespace weir::file
