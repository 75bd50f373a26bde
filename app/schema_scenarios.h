#pragma once
/// The part of the schema that describes `scenarios:`, which is no part of the flow: loads, services and faults by
/// name.
///
/// Thread: pure. Cost: none.
#include "json_tree.h"

namespace weir::app {

void add_scenarios_schema(JsonObject& top, JsonObject& definitions);

}  // namespace weir::app
