#pragma once
/// The files that this process writes, by identity and not by name, so that none of its sources reads them: an event
/// that is written to what is being read comes back for ever, each time more of them.
///
///   added     by who opens a file to write to it: sinks, dead letters
///   kept      after it was closed, renamed or rotated: a pattern may match its new name later
///   born      a number of an inode is used again; the time of birth that the file system gives tells the files apart.
///             Where it gives none, the identity is known only for as long as the file is open
///
/// Thread: any. Cost: one statx(2), about 1 us, and a look at the entries. Memory: 32 bytes for each, at most `most`;
/// the oldest that is closed goes first. Ref: statx(2), STATX_BTIME.
#include <cstdint>
#include <mutex>
#include <vector>

namespace weir {

class WrittenFiles {
 public:
  static constexpr std::size_t most = 4096;

  /// A regular file that was opened to be written; anything else is none of it.
  void opened(int descriptor);
  /// Before the descriptor is closed.
  void closing(int descriptor);
  /// Whether it is one of them; a file that cannot be looked at is none.
  bool is_written(int descriptor) const;

 private:
  struct File {
    std::uint64_t device = 0, inode = 0;
    std::int64_t born = 0;  ///< ns; 0: the file system does not say
    std::uint32_t open = 0;
    bool same(const File& o) const { return device == o.device && inode == o.inode && born == o.born; }
  };
  static bool look(int descriptor, File& file);
  File* find(const File& file);

  mutable std::mutex mutex_;
  std::vector<File> files_;  // guarded by mutex_; the oldest first
};

}  // namespace weir
