#pragma once
/// The places where reading continues after a restart: for each file its identity and the offset up to which everything
/// is settled.
///
/// It is written to a new file, synced, renamed over the old one, and the folder is synced: after a crash either the
/// old or the new one is there, whole. A line of text per file, and a last line with the hash of all before it; what
/// does not match is refused rather than guessed at.
///
///   weir checkpoint 1
///   DEVICE INODE LENGTH HASH OFFSET
///   end HASH
///
/// Thread: encode and decode are pure; CheckpointWriter has a thread of its own, because a sync may take long, and
/// `write`, `written` are for its owner. Cost: two syncs a write. On cancel: the destructor ends after the running
/// write.
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "file_id.h"

namespace weir::file {

struct FilePosition {
  FileId id;
  std::uint64_t offset = 0;
  bool operator==(const FilePosition&) const = default;
};

inline constexpr std::size_t most_positions = 8192;

std::string encode(const std::vector<FilePosition>& places);
/// Nothing when it is damaged: torn, changed, or no checkpoint at all.
std::optional<std::vector<FilePosition>> decode(std::string_view text);

/// No checkpoint yet: nothing in the optional.
Result<std::optional<std::vector<FilePosition>>> load_checkpoint(const std::string& path);
Result<void> save_checkpoint(const std::string& path, std::string_view text);

class CheckpointWriter {
 public:
  /// `source` is named in what is logged when a write fails.
  CheckpointWriter(std::string source, std::string path);
  ~CheckpointWriter();
  /// The newest one wins: a checkpoint whose write has not begun when another comes is never written.
  void write(std::string text);
  /// Whether everything given has been written, or has failed to be (which is logged). Any thread.
  bool idle() const;

 private:
  void run();
  std::string source_, path_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<std::string> next_;
  bool busy_ = false, ended_ = false, failing_ = false;
  std::thread thread_;
};

}  // namespace weir::file
