#pragma once
/// Asking a running weir at its admin address.
#include <weir/base/result.h>

#include <simdjson.h>

#include <string>

namespace weir::app {

struct Answer {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
};

/// Fills `answer`; without an answer it writes the error to standard error.
bool ask(const std::string& admin, const std::string& path, Answer& answer);

}  // namespace weir::app
