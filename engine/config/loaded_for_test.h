#pragma once
/// A configuration read from text, with the catalog and the surroundings of testing.h.
///
/// Thread: values. Cost: tests only.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.h"
#include "config/testing.h"

namespace weir::config {

inline Loaded load(const std::string& yaml) { return load_text(yaml, "weir.yaml", fake_catalog(), fake_options()); }

/// One that has no errors: they fail the test.
inline Config config_of(const std::string& yaml) {
  auto result = load(yaml);
  for (const Problem& problem : result.problems)
    if (!problem.warning) ADD_FAILURE() << problem.text();
  return result.config.value_or(Config{});
}

inline std::vector<std::string> problems(const std::string& yaml) {
  std::vector<std::string> out;
  for (const Problem& problem : load(yaml).problems) out.push_back(problem.text());
  return out;
}

}  // namespace weir::config
