#pragma once
/// The files that a source reads, identified by their content and not by their names, so that renaming, replacing,
/// deleting, emptying and rewriting are all noticed.
///
///   what is seen at a name             what is done
///   the file that was there            read on
///   another file                       the old one, held open, is read to its end first; the new one from its start
///   nothing                            the old one is read to its end; the name is looked at again
///   smaller than what was read, or     it was emptied: read from its start, counted and logged
///   it begins in another way
///
/// A file without a name counts as ended when it has not grown for `rotate_wait`: then its last line is taken even
/// without a line end, and it is closed when all of it is settled.
///
/// Thread: one at a time: the file thread while a job runs, the reactor between two. Cost: `look` a stat for each name,
/// `check` an fstat and 1 KiB read. Memory: about 2 KiB a file, at most `max_files`.
#include <list>
#include <string>
#include <vector>

#include "checkpoint.h"
#include "file_id.h"

namespace weir::file {

struct WatchedFile {
  InputFile file;
  FileId id;
  std::string path;
  std::uint64_t read = 0;       ///< where reading goes on
  std::uint64_t given = 0;      ///< up to here everything was given to the flow, or holds no event
  std::uint64_t committed = 0;  ///< up to here everything is settled
  std::uint64_t looked_at = 0;  ///< the size at which there was nothing more to take
  std::uint64_t large_from = 0;
  bool in_large_line = false;  ///< a line longer than max_event began at large_from; its end is being looked for
  std::uint32_t epoch = 0;     ///< grows when it was emptied: ranges of before no longer count
  std::uint32_t in_flight = 0;
  bool named = true, last_line_taken = false, blocked = false;
  TimePoint changed{};
  std::size_t piece = 0;  ///< how much to read at once, when a line is longer than usual; 0: as usual
};

struct WatchConfig {
  std::string source, path;
  std::size_t max_files = 64;
  bool follow = false, from_end = false;
  Duration rotate_wait = std::chrono::seconds(5);
};

class Watched {
 public:
  explicit Watched(WatchConfig config, InputDisk& disk = system_input_disk())
      : config_(std::move(config)), disk_(disk) {}

  /// Finds what there is, with the places of the last run.
  Result<void> start(std::optional<std::vector<FilePosition>> places, TimePoint now);
  /// Looks at the names again, and lets go of files that have ended.
  void look(TimePoint now);
  /// Notices whether it was emptied or has grown; its size.
  std::uint64_t check(WatchedFile& file, TimePoint now);
  /// Nothing will be written to it any more.
  bool ended(const WatchedFile& file, TimePoint now) const;

  std::list<WatchedFile>& files() { return files_; }
  std::vector<FilePosition> places() const;
  std::uint64_t emptied() const { return emptied_; }

 private:
  FileId inode_of(const std::string& path) const;
  std::vector<std::string> names() const;
  void visit(const std::string& name, TimePoint now, bool first);
  WatchedFile* find(const FileId& id);
  std::optional<std::uint64_t> place_of(const InputFile& file);
  void find_renamed(TimePoint now);
  void remember(const WatchedFile& file);

  WatchConfig config_;
  InputDisk& disk_;
  std::list<WatchedFile> files_;
  std::vector<FilePosition> left_over_;  // of files that are not open
  bool fresh_ = true;                    // there was no checkpoint
  std::string complaint_;                // each is logged once
  std::uint64_t emptied_ = 0;
};

}  // namespace weir::file
