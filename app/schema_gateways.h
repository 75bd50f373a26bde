#pragma once
/// The part of the schema that describes `gateways:` and `upstreams:`, which have no types.
///
/// Thread: pure. Cost: none.
#include "json_tree.h"

namespace weir::app {

void add_gateways_schema(JsonObject& top, JsonObject& definitions);

}  // namespace weir::app
