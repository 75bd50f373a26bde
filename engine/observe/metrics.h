#pragma once
/// A FlowStatus as Prometheus text. One prefix `weir_`, base units, bounded label sets: node names and reasons, never
/// keys of clients.
///
/// Thread: pure. Cost: a few hundred lines of text a scrape.
#include <string>

#include "pipeline/report/status.h"

namespace weir::observe {

std::string prometheus_text(const pipeline::FlowStatus& status);

}  // namespace weir::observe
