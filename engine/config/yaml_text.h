#pragma once
/// Values as text that YAML reads back as the same values: for the effective configuration.
///
/// Thread: pure. Cost: start only.
#include <weir/flow/recover/destination_config.h>

#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// Quoted where YAML could see more in it. Variables are replaced in values only, not in keys.
std::string scalar(std::string_view text, bool is_key = false);
std::string flow_list(const std::vector<std::string>& texts);
/// A block, indented as a key of a part.
std::string breaker_to_yaml(const flow::BreakerConfig& breaker);

}  // namespace weir::config
