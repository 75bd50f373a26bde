#pragma once
/// What gateways and upstreams do, as members of the admin API's JSON objects.
///
/// Thread: pure. Cost: about 1 KiB of text a gateway.
#include <string>

#include "gateway/status.h"

namespace weir::observe {

/// Two members, `"gateways":[...],"upstreams":[...]`: for /api/graph, /api/pressure and /api/ledger.
std::string request_members(const gateway::Status& status);

}  // namespace weir::observe
