#pragma once
/// What came of a load as one HTML page that needs nothing else: what the table says, and plots over time, drawn here
/// as SVG. Calls stand at the time they were due.
///
/// Thread: pure functions. Cost: about 50 KiB of text.
#include <string>

#include "load_report.h"

namespace weir::app {

std::string load_html(const LoadResult& result);

}  // namespace weir::app
