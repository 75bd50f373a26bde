#pragma once
/// The part of the schema that describes `tests:`, which is no map of keys as the rest is: lists of events in many
/// forms.
///
/// Thread: pure. Cost: none.
#include "json_tree.h"

namespace weir::app {

void add_tests_schema(JsonObject& top, JsonObject& definitions);

}  // namespace weir::app
