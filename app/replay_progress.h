#pragma once
/// The position of a replay: a small file beside its input, written after each answered batch. A replay that is
/// interrupted, even by a loss of power, continues there; a batch that was sent and not answered is sent again, one at
/// most.
///
/// It belongs to one replay, with the same target, condition and range. A replay with others is refused and told about
/// the file.
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
