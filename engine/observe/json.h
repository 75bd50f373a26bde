#pragma once
/// A FlowStatus as JSON, for the admin API. `weir top` and `weir why` read these, and so can anything else.
///
/// Thread: pure. Cost: a few KiB of text a call.
#include <string>

#include "gateway/status.h"
#include "observe/alerts.h"
#include "pipeline/report/status.h"

namespace weir::observe {

std::string graph_json(const pipeline::FlowStatus& status, const gateway::Status& requests = {},
                       const AlertState& alerts = {});
std::string pressure_json(const pipeline::FlowStatus& status, const gateway::Status& requests = {});
std::string ledger_json(const pipeline::FlowStatus& status, const gateway::Status& requests = {});

}  // namespace weir::observe
