#pragma once
/// Defaults that follow from `memory:`, so that a small number is enough to say.
///
/// A default is chosen for a process with room. Where the footprints would leave the sources less than a quarter of
/// `memory`, all defaults that can shrink are halved together, again and again, each down to its own least value, until
/// that much is left; where that cannot be had, until the flow can work at all. Reactors are the last to become fewer.
///
///   value = max(least, usual / 2^k)      k = 0, 1, ... the first that fits
///
/// What is written in the file is never changed: if it does not fit, the number is refused with what would be needed.
/// What has become smaller stands in config.memory.shrunk, and `weir check` shows it.
///
/// Thread: one owner. Cost: start and reload only; at most some hundred sums of the memory table.
#include "config/reader.h"

namespace weir::config {

void shrink_defaults(const Reader& reader, const Catalog& catalog, Config& config);

}  // namespace weir::config
