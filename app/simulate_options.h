#pragma once
/// What `weir simulate` is told, as written; config/scenarios.h says what it means.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::app {

struct SimulateOptions {
  std::vector<std::string> names;                    ///< files, and last perhaps a scenario
  std::vector<std::string> loads, services, stalls;  ///< SOURCE=..., SINK=...: a scenario that is in no file
  std::string for_time = "60s", arrivals = "poisson";
  std::optional<std::uint64_t> seed;
  std::uint64_t count = 100'000'000;
  std::vector<std::string> sets, asserts;  ///< KEY=VALUE; 'p99 < 200ms'
  std::string sweep, find;                 ///< KEY=a,b,c; min KEY for 'p99 < 300ms'
  std::string html;
  bool json = false;
};

}  // namespace weir::app
