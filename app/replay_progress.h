#pragma once
/// How far a replay got: a small file beside what it reads, written after each batch that was answered. A replay that
/// is interrupted, even by a loss of power, goes on there; what it sent and had no answer for is sent again, one batch
/// at most.
///
/// It belongs to one replay: the same target, condition and range. Another one is told that it is there.
///
/// Thread: pure but for load and save. Cost: two syncs a save.
#include <weir/base/result.h>

#include <optional>
#include <string>

#include "replay_supply.h"

namespace weir::app {

struct ReplayProgress {
  std::string what;      ///< target, condition and range, as they were written
  std::string identity;  ///< of what is read
  ReplayPosition place;
  std::uint64_t replayed = 0, refused = 0;  ///< so far, over all of its runs
};

std::string encode(const ReplayProgress& progress);
/// Nothing: it is damaged, or something else.
std::optional<ReplayProgress> decode_progress(std::string_view text);

/// "dead.ndjson.replay"
std::string progress_path(std::string from);
/// Nothing in the optional: there is none yet.
Result<std::optional<ReplayProgress>> load_progress(const std::string& path);
Result<void> save_progress(const std::string& path, const ReplayProgress& progress);

}  // namespace weir::app
