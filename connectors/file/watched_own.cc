// Files that this process writes: they are found by identity and never read.
#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include "log/log.h"
#include "watched.h"

namespace weir::file {

void Watched::forget_written() {
  std::unique_lock lock(written_mutex_);
  config_.written = nullptr;
  answered_.wait_for(lock, std::chrono::seconds(1), [this] { return !asking_; });
}

bool Watched::is_written(const WatchedFile& file) {
  std::unique_lock lock(written_mutex_);
  const WrittenFiles* const written = config_.written;
  if (!written) return false;
  asking_ = true;
  lock.unlock();
  const bool found = file.file.is_one_of(*written);
  lock.lock();
  asking_ = false;
  answered_.notify_all();
  return found;
}

/// What a sink of this process writes would come back for ever. Also asked of one that is followed already: a sink may
/// have opened it since.
bool Watched::is_own(const WatchedFile& file) {
  if (!is_written(file)) return false;
  if (told_own_.size() >= WrittenFiles::most) told_own_.clear();
  if (!told_own_.emplace(file.id.device, file.id.inode).second) return true;
  ++own_;
  complaint_ = fmt::format(
      "{} is written by a sink of this process: it is not read, or its events would come back for ever; name other "
      "files in path:, or write elsewhere",
      terminal_text(file.path));
  log::warn({"source", config_.source}, "{}", complaint_);
  return true;
}

}  // namespace weir::file
