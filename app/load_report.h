#pragma once
/// What came of a load: for people, and as JSON.
///
/// Thread: pure functions.
#include <string>

#include "load_plan.h"

namespace weir::app {

struct LoadResult {
  const LoadPlan& plan;
  const load::Tally& tally;
  std::uint64_t opened = 0, cut_off = 0;
  bool interrupted = false;
};

/// Whether every assertion holds; an interrupted load shows nothing.
bool holds(const LoadResult& result);

std::string load_table(const LoadResult& result);
std::string load_json(const LoadResult& result);
/// While it runs: one line.
std::string load_progress(const load::Tally& tally, Duration passed, std::size_t under_way);

}  // namespace weir::app
