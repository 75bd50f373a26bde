#pragma once
/// What came of a simulation: as a page for people, as JSON, as HTML with plots, and several beside each other.
///
/// Thread: pure functions. Cost: none; HTML some 100 KiB.
#include <string>
#include <vector>

#include "load/assertion.h"
#include "rehearsal/simulation.h"

namespace weir::app {

struct SimulatedRun {
  std::string label;  ///< what is different in it: "sinks.db.workers=32"; empty: nothing
  config::Scenario scenario;
  pipeline::Simulated result;
};

std::string simulate_table(const SimulatedRun& run);
/// One column for each run.
std::string simulate_comparison(const std::vector<SimulatedRun>& runs);
std::string simulate_json(const SimulatedRun& run);
std::string simulate_json(const std::vector<SimulatedRun>& runs);
/// Text is what the page says above its plots.
std::string simulate_html(const std::vector<SimulatedRun>& runs, const std::string& text);

/// Of all sources together, as `--assert` and `--find` judge it. `times` is where its histogram is kept.
load::Assertion::Measures measures_of(const pipeline::Simulated& result, Histogram& times);

}  // namespace weir::app
