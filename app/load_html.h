#pragma once
/// Loads as one HTML page that needs nothing else: what their tables say, and plots over time, drawn here as SVG. Calls
/// stand at the time they were due. Several loads stand side by side, with the same scales.
///
/// Thread: pure functions. Cost: about 50 KiB of text for each.
#include <string>
#include <vector>

#include "load_picture.h"

namespace weir::app {

std::string load_html(const std::vector<LoadPicture>& pictures);

}  // namespace weir::app
