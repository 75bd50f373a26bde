#pragma once
/// The places where reading continues after a restart: for each file its identity and the offset up to which everything
/// is settled.
///
/// It is written to a new file, synced, renamed over the old one, and the folder is synced: after a crash either the
/// old or the new one is there, whole. A line of text per file, and a last line with the hash of all before it; what
/// does not match is refused rather than guessed at.
///
///   weir checkpoint 2
///   DEVICE INODE LENGTH HASH OFFSET TAIL
///   end HASH
///
/// TAIL is the hash of what stands just before the offset (tails.h), 0 where that is not known. Version 1 is read too;
/// it had no TAIL.
///
/// Thread: encode and decode are pure; CheckpointWriter has a thread of its own, because a sync may take long, and
/// `write` is for its owner. Cost: two syncs a write. On cancel: the destructor waits for the running write as long as
/// FileThread::patience.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk.h"
#include "file_id.h"
#include "file_thread.h"

namespace weir::file {

struct FilePosition {
  FileId id;
  std::uint64_t offset = 0;
  std::uint64_t tail = 0;  ///< Tails::unknown: only how the file begins tells it from another
  bool operator==(const FilePosition&) const = default;
};

inline constexpr std::size_t most_positions = 8192;

std::string encode(const std::vector<FilePosition>& places);
/// Nothing when it is damaged: torn, changed, or no checkpoint at all.
std::optional<std::vector<FilePosition>> decode(std::string_view text);

/// No checkpoint yet: nothing in the optional.
Result<std::optional<std::vector<FilePosition>>> load_checkpoint(const std::string& path);
/// One that is there keeps its mode.
Result<void> save_checkpoint(const std::string& path, std::string_view text, FileMode mode = {});

class CheckpointWriter {
 public:
  /// `source` is named in what is logged when a write fails.
  CheckpointWriter(std::string source, std::string path, FileMode mode = {});
  /// The newest wins: what has not been begun when another comes is never written.
  void write(std::string text);
  /// Whether everything given has been written, or has failed to be (which is logged). Any thread.
  bool idle() const { return thread_.idle(); }
  /// The write that runs does not come to its end: it is waited for no longer.
  void leave_behind() { thread_.leave_behind(); }

 private:
  struct State;
  static void save(State& state);
  std::shared_ptr<State> state_;
  FileThread thread_;
};

}  // namespace weir::file
