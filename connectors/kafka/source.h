#pragma once
/// Source `kafka`: a member of a consumer group. README.md has its guarantees.
///
/// Thread: that which starts the process; the poller and the intake have the rest. Cost: none while running.
#include "intake.h"

namespace weir::kafka {

struct SourceConfig {
  PollerConfig poller;
  IntakeConfig intake;
};

/// Errors name the option.
Result<SourceConfig> read_source(const SourceSetup& setup);
SourceType source_type();
void add_to(Catalog& catalog);

}  // namespace weir::kafka
