#pragma once
/// SIGHUP: files are opened and read again, and the configuration is taken over as far as a running process can
/// (semantics H2). Says in the log what became of every key that differs; one that needs a new process refuses all of
/// them, so that what runs is always one of two files and never half of each.
///
/// Thread: the flow's owner. Cost: a load of the configuration, and opening the sinks whose secrets have changed. On
/// cancel: it is waited for.
#include <string>
#include <vector>

#include "pipeline/graph/flow.h"

namespace weir::app {

/// `running` becomes what was read if that was taken over.
void on_hangup(pipeline::Flow& flow, config::Config& running, const std::vector<std::string>& files,
               const Catalog& catalog);

}  // namespace weir::app
