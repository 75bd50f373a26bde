#pragma once
/// What `weir simulate` plays: a scenario of the configuration, or one that its options say.
///
/// Thread: pure but for reading files. Cost: start only.
#include "config/scenarios.h"
#include "simulate_options.h"

namespace weir::app {

struct SimulatePlan {
  std::vector<std::string> files;
  std::string scenario;                       ///< its name; empty: the only one, or `options`
  std::optional<config::Scenario> options{};  ///< that options say
};

/// The error is one line.
Result<SimulatePlan> plan_simulation(const SimulateOptions& options);
/// The scenario of the plan.
Result<config::Scenario> choose_scenario(const SimulatePlan& plan, const SimulateOptions& options,
                                         const std::vector<config::Scenario>& of_files);
/// "NAME=VALUE".
Result<std::pair<std::string, std::string>> pair_of(std::string_view option, const std::string& text,
                                                    std::string_view example);

}  // namespace weir::app
