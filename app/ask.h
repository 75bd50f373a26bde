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

/// Fills `answer`; says on standard error what is wrong when nobody answers.
bool ask(const std::string& admin, const std::string& path, Answer& answer);

}  // namespace weir::app
