#pragma once
/// Parts of the schema are written as JSON text, broken into lines for people only.
///
/// Thread: pure. Cost: a copy.
#include <string>

namespace weir::app {

inline std::string in_one_line(std::string text) {
  std::erase(text, '\n');
  return text;
}

}  // namespace weir::app
