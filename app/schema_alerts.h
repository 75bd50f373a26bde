#pragma once
/// The part of the schema that describes `alerts:`, but for the sinks that are its receivers.
///
/// Thread: pure. Cost: none.
#include "json_tree.h"

namespace weir::app {

/// `definitions` gets one of "receiver" from somebody else.
void add_alerts_schema(JsonObject& top, JsonObject& definitions);

}  // namespace weir::app
