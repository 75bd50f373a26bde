#pragma once
/// What differs between the configuration that runs and the one that a reload has read (semantics H2).
///
/// Both are compared as `weir check --print` shows them, so every key that can be written is compared, with its
/// default; values that are not shown (secrets) are compared as they are. Which keys a running process can take over is
/// the table of reloadable.h. Memory is topology as far as parts would declare more than they do: the budget was given
/// out at start.
///
/// Thread: pure. Cost: a reload; both configurations are printed and read.
#include <string>
#include <vector>

#include "config/config.h"

namespace weir::config {

struct KeyChange {
  std::string path;        ///< "sinks.out.queue.max_events", "sinks.cache"
  std::string text;        ///< "sinks.out.queue.max_events: 250, was 100", "sinks.cache is new"; no value of a secret
  bool in_place;           ///< the running process can take it over
  bool from_file = false;  ///< it stands in a file of secrets
};

/// In the order of the file that runs, then what is new. Empty: nothing has changed.
std::vector<KeyChange> changes(const Config& running, const Config& next, const Catalog& catalog);

}  // namespace weir::config
