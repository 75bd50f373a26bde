#pragma once
/// Spills that no sink of the configuration reads any more: the sink has gone, has another name, or does not spill now.
/// Their events are kept, and nobody would ever miss them unless somebody says so.
///
/// Looked for beside the spills that there are, and in the folder that they have when nobody says another: folders with
/// a cursor of a spill. One that another process has locked is that process's. What cannot be looked at is told as
/// that.
///
/// Thread: one, before the flow runs. Cost: what recover() costs, for each that is found. Bound: 1000 names a folder.
#include <string>
#include <vector>

#include "config/config.h"
#include "journal/disk.h"

namespace weir::pipeline {

/// A sentence for each, for the log.
std::vector<std::string> left_spills(const std::vector<config::Sink>& sinks, journal::Disk& disk);

}  // namespace weir::pipeline
