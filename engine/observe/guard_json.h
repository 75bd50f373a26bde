#pragma once
/// The guards of a place (a source, a sink, a route of a gateway) as a JSON array.
///
/// Thread: pure. Cost: about 200 bytes of text a guard.
#include <string>
#include <vector>

#include "guards/guard_status.h"

namespace weir::observe {

std::string guard_rows(const std::vector<guards::GuardStatus>& guards);

}  // namespace weir::observe
