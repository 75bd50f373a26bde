#pragma once
/// One run of one cell: both ends are started, a flow runs between them with faults, its source is driven, everything
/// arrives, the flow stops. What it did is there to be judged.
///
/// Thread: one; drivers and flows have their own. Cost: tests only.
#include "config/load.h"
#include "parts.h"
#include "pipeline/graph/flow.h"

namespace weir::matrix {

struct Ends {
  std::string source, sink;
  Level acks;
};

struct Played {
  Scratch scratch;
  Trouble trouble;
  Catalog catalog;
  std::optional<config::Config> config;
  Context context;
  Sent sent;
  pipeline::FlowStatus status;
  std::vector<std::string> confirmed, held;  ///< ids: by the sink's answers, and by what it has
};

using Load = std::function<config::Loaded(const Catalog& catalog, const std::string& folder)>;
using Arrived = std::function<bool(const pipeline::FlowStatus& status, std::uint64_t expected)>;

/// Nothing: it did not start, and the test has failed.
std::unique_ptr<Played> play(const Catalog& catalog, const Ends& ends, const Load& load, const Arrived& arrived);

}  // namespace weir::matrix
