#pragma once
/// What gateways and upstreams do, as metrics. Labels are names of the configuration, reasons and classes of a status:
/// never a path, a method or a host, which strangers choose.
///
/// Thread: pure. Cost: about ten lines of text a gateway, twenty an upstream.
#include "gateway/status.h"
#include "observe/sheet.h"

namespace weir::observe {

void add_requests(Sheet& sheet, const gateway::Status& status);

}  // namespace weir::observe
