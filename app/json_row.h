#pragma once
#include <simdjson.h>
#include <weir/base/terminal_text.h>

#include <string>
#include <string_view>

namespace weir::app {

/// Members of an object that the admin page answered. One that is missing, or of another kind, is "", 0 or false.
/// What text() returns is safe to print on a terminal.
using JsonRow = simdjson::dom::element;

inline std::string text(JsonRow row, const char* key) {
  std::string_view value;
  return row[key].get(value) ? std::string{} : terminal_text(value);
}
inline double number(JsonRow row, const char* key) {
  double value = 0;
  return row[key].get(value) ? 0.0 : value;
}
inline bool flag(JsonRow row, const char* key) {
  bool value = false;
  return !row[key].get(value) && value;
}

}  // namespace weir::app
