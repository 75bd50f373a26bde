#pragma once
/// The files that a source reads, identified by their content and not by their names, so that renaming, replacing,
/// deleting, emptying and rewriting are all noticed.
///
///   what is seen at a name             what is done
///   the file that was there            read on
///   another file                       the old one, held open, is read to its end first; the new one from its start
///   a copy of one that is read         read from where that one is settled (copytruncate; marks.h), as soon as it has
///                                      been made and that one is read so far, at the latest after `rotate_wait`
///   nothing                            the old one is read to its end; the name is looked at again
///   it begins with zeros, and what     a hole was made there: read on
///   was read last stands
///   smaller than what was read, or     it was emptied: read from its start, counted and logged
///   it begins in another way
///   the same two after a restart       the same: the checkpoint holds what stood before each place (tails.h)
///   it cannot be looked at             all stays as it is, logged; it is looked at again
///   what this process writes           by identity, whatever its name: nothing of it is read, logged once
///
/// A file without a name counts as ended when it has not grown for `rotate_wait`: then its last line is taken even
/// without a line end, and it is closed when all of it is settled.
///
/// At most `max_files` are open. When more match, those that are read to their end and have not grown for `rotate_wait`
/// give their place up, and are opened again when they grow; a file that is being read is never dropped for a new one.
/// What finds no place is counted, logged, and waits. Places of files that are not open are kept for at most
/// `most_positions`; beyond that those are forgotten whose files are not in the folder any more.
///
/// Thread: one; `limits` any. Cost: `look` a stat for each name, `check` an fstat and 1 KiB read. Memory: about 2 KiB a
/// file, at most `max_files`, and 100 bytes for each place that is kept of a file that is not open.
#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "checkpoint.h"
#include "file_id.h"
#include "marks.h"
#include "tails.h"

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
  bool skips_line = false;     ///< and began before we did (start_at: end): it is no event
  std::uint32_t epoch = 0;     ///< grows when it was emptied: ranges of before no longer count
  std::uint32_t in_flight = 0;
  bool named = true, last_line_taken = false, blocked = false;
  bool is_own = false;  ///< this process writes it: nothing of it is read
  TimePoint changed{};
  std::size_t piece = 0;  ///< how much to read at once, when a line is longer than usual; 0: as usual
  Marks marks;
  Tails tails;
  FilePosition place() const { return {id, committed, tails.of(committed)}; }
  struct Past {
    FileId id;
    std::uint64_t committed = 0;
    Marks marks;
  };
  std::optional<Past> emptied{};  ///< what it was before it was emptied, until its copy is found
};

struct WatchConfig {
  std::string source, path;
  std::size_t max_files = 64;
  bool follow = false, from_end = false;
  Duration rotate_wait = std::chrono::seconds(5);
  std::vector<std::string> own{};         ///< files that the source writes itself
  const WrittenFiles* written = nullptr;  ///< files that this process writes
};

class Watched {
 public:
  explicit Watched(WatchConfig config, InputDisk& disk = system_input_disk())
      : config_(std::move(config)), disk_(disk) {}

  /// Finds what there is, with the places of the last run.
  Result<void> start(std::optional<std::vector<FilePosition>> places, TimePoint now);
  /// Looks at the names again, and lets go of files that have ended.
  void look(TimePoint now);
  /// Notices whether it was emptied or has grown; its size. Where it cannot be seen: as if there were nothing more.
  std::uint64_t check(WatchedFile& file, TimePoint now);
  /// Nothing will be written to it any more.
  bool ended(const WatchedFile& file, TimePoint now) const;

  /// The files that this process writes are not asked about any more: they end before a thread that is left behind
  /// does. Any thread; waits for a question under way, at most a second.
  void forget_written();

  std::list<WatchedFile>& files() { return files_; }
  std::vector<FilePosition> places() const;
  /// For people and metrics: files that match and have no place, and whether the folder has too many names.
  struct Limits {
    std::uint64_t emptied = 0, without_place = 0;
    bool places_are_full = false;  ///< and that is because no more places of finished files can be noted
    std::uint64_t reached = 0;     ///< how often it has come to that, since the start
    std::uint64_t own = 0;         ///< files that match and are written by this process, and so are not read
    bool too_many_names = false;
    std::uint64_t complaints = 0;  ///< how often something could not be looked at, or opened
    std::string complaint{};       ///< what that was at the last look; empty: nothing
  };
  Limits limits() const;

 private:
  struct Beginning {
    std::uint64_t offset = 0;
    bool skips_line = false;
  };
  void look_at_names(TimePoint now);
  void visit(const std::string& name, TimePoint now, bool first);
  Result<void> add(const std::string& name, TimePoint now, bool first);
  std::expected<Beginning, int> beginning_of(const InputFile& file, const std::string& name, const FileId& id,
                                             std::uint64_t size, bool first);
  std::expected<std::optional<std::uint64_t>, int> place_of(const InputFile& file, const FileId& id,
                                                            std::uint64_t size);
  static std::expected<bool, int> is_still(const InputFile& file, const FilePosition& place, std::uint64_t size);
  std::expected<std::uint64_t, int> copied_from(const InputFile& file, const std::string& name, std::uint64_t size);
  bool is_too_early(const InputFile& file, const std::string& name, std::uint64_t size, TimePoint now);
  static std::expected<bool, int> is_hollow(const WatchedFile& file, const FileId& begins, std::uint64_t size);
  WatchedFile* find(const FileLook& look);
  // watched_places.cc
  bool is_finished(const FileLook& look);
  bool make_place(TimePoint now);
  void find_idle(TimePoint now);
  bool can_note_another();
  void forget_what_is_gone();
  void remember(const WatchedFile& file);
  void count_limits(std::uint64_t without_place, bool too_many_names);

  bool has_ended_wholly(const WatchedFile& file, TimePoint now) const;
  void find_renamed(TimePoint now);
  bool is_renamed(const std::string& path, std::uint64_t inode, TimePoint now);
  void complain(const std::string& what);
  bool is_own(const WatchedFile& file);
  bool is_written(const WatchedFile& file);

  WatchConfig config_;
  std::mutex written_mutex_;
  std::condition_variable answered_;
  bool asking_ = false;  // config_.written, outside the lock: the file system may not answer
  InputDisk& disk_;
  std::list<WatchedFile> files_;
  std::vector<FilePosition> left_over_;  // of files that are not open
  bool fresh_ = true;                    // there was no checkpoint
  bool renamed_unseen_ = false;          // one of the last run's may still be found under another name
  std::string complaint_;                // the last one
  bool complained_ = false;              // since this look began
  mutable std::mutex told_mutex_;        // of the next two: what `limits` tells
  std::string told_complaint_;
  std::uint64_t complaints_ = 0;
  // Of this look, and made when the first one asks:
  std::uint64_t without_place_ = 0;
  std::optional<std::vector<std::list<WatchedFile>::iterator>>
      idle_;  // who may give its place up, the longest idle last
  std::optional<std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>>> finished_;  // left_over_ by its file
  bool places_are_full_ = false;                                                               // no more may be noted
  std::set<std::pair<std::uint64_t, std::uint64_t>> told_own_;  // device and inode of own files, each told once
  struct Newcomer {
    std::uint64_t size = 0;
    TimePoint since{};
    bool seen = true;
  };
  std::map<std::string, Newcomer> newcomers_;  // may be copies, and are judged when they have been made
  std::atomic<std::uint64_t> emptied_{0}, told_without_place_{0}, reached_{0}, own_{0};
  std::atomic<bool> too_many_names_{false}, told_places_are_full_{false};
};

}  // namespace weir::file
