#pragma once
/// The places where reading continues after a restart: for each file its identity and the offset up to which everything
/// is settled.
///
/// It is written to a new file, synced, renamed over the old one, and the folder is synced: after a crash either the
/// old or the new one is there, whole. A line of text per file, and a last line with the hash of all before it; what
/// does not match is refused rather than guessed at. The last three are of text that was read before the offset: they
/// tell a file whose beginning was made a hole from one that was emptied and written anew.
///
///   weir checkpoint 2
///   DEVICE INODE LENGTH HASH OFFSET END LENGTH HASH
///   end HASH
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
#include "marks.h"

namespace weir::file {

struct FilePosition {
  FileId id;
  std::uint64_t offset = 0;
  Mark text{};  ///< what stood before it, or a little before that
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
