#pragma once
/// What `weir load` was told on the command line, as written. load_plan.h says what it means.
///
/// Thread: a value.
#include <cstdint>
#include <string>
#include <vector>

namespace weir::app {

struct LoadOptions {
  std::string target, rate, profile, for_time = "10s", arrivals = "poisson", deadline = "10s", method, body,
                                     clients = "none", json, html, title, compare;
  std::vector<std::string> headers, assertions, marks;
  std::uint64_t connections = 1000, count = 1'000'000, seed = 1, tries = 4;
  std::uint32_t events = 0;
  bool target_is_mine = false, quiet = false;
};

}  // namespace weir::app
