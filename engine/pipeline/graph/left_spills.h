#pragma once
/// Spill that nobody would read: its sink is gone from the configuration, has another name, or does not spill any more.
///
/// Looked for beside the folders where sinks of this configuration spill, or would (`data/spill`). What another running
/// weir uses is its own, and not told.
///
/// Thread: one, at the start. Cost: a look for each name in those folders, and what journal::recover costs for each
/// spill. Nothing is changed.
#include <string>
#include <vector>

#include "config/config.h"
#include "journal/disk.h"

namespace weir::pipeline {

inline constexpr std::size_t most_left_spills = 20;  // told; of more, only that there are more

/// One line for people for each.
std::vector<std::string> left_spills(journal::Disk& disk, const config::Config& config);

}  // namespace weir::pipeline
