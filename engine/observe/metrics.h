#pragma once
/// A FlowStatus, and what gateways do, as Prometheus text. One prefix `weir_`, base units, bounded label sets: names of
/// the configuration and reasons, never keys of clients.
///
/// Thread: pure. Cost: a few hundred lines of text a scrape.
#include <cstdint>
#include <string>

#include "gateway/status.h"
#include "observe/alerts.h"
#include "observe/process.h"
#include "pipeline/report/status.h"

namespace weir::observe {

/// Whom the admin listener has not answered.
struct AdminRefusals {
  std::uint64_t unauthorized = 0, guesses = 0;
};

/// Every family is described in docs/metrics.md, which metrics_page_test.cc compares with what this writes.
std::string prometheus_text(const pipeline::FlowStatus& status, const Process& process,
                            const AdminRefusals& refusals = {}, const gateway::Status& requests = {},
                            const AlertState& alerts = {});

}  // namespace weir::observe
