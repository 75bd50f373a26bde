#pragma once
/// One file of a PowerDisk: what the platter has for certain, what readers see, and the changes between the two.
///
/// At a loss of power every pending change may have arrived wholly, not at all, or (a write) in any of its 512-byte
/// sectors; half of the draws let them arrive in order up to a point, since independent chances hardly ever show the
/// long prefixes that real disks do. Bytes that were given room but never written read as zeros; where a write over
/// older bytes did not arrive the older bytes are back.
///
/// Thread: one owner. Cost: a copy of the bytes of each change, and of the file at a sync. Ref: Pillai et al., "All
/// File Systems Are Not Created Equal", OSDI 2014 (ALICE); Rebello et al., "Can Applications Recover from fsync
/// Failures?", USENIX ATC 2020.
#include <weir/base/rng.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::journal {

enum class LossMode : std::uint8_t {
  nothing_unsynced,  ///< only what was synced is there
  everything,        ///< all that was done is there, synced or not
  random             ///< any of the states between that POSIX allows
};

/// What had arrived of `n` pending changes, drawn one after the other.
class Arrival {
 public:
  Arrival(std::size_t n, LossMode mode, Rng& rng);
  enum class Fate : std::uint8_t { lost, torn, whole };
  Fate next();

 private:
  LossMode mode_;
  Rng& rng_;
  bool in_order_;
  std::size_t point_;
  double chance_;
  std::size_t at_ = 0;
};

class Inode {
 public:
  static constexpr std::uint64_t sector = 512;

  struct Change {
    enum class Kind : std::uint8_t { write, allocate, truncate };
    Kind kind = Kind::write;
    std::uint64_t offset = 0;  ///< of a write; else the file's new length
    std::string bytes;
  };

  Inode() = default;
  explicit Inode(std::string durable);

  const std::string& current() const { return current_; }
  const std::string& durable() const { return durable_; }
  void change(Change change);
  void sync();
  /// A sync failed: the pages are marked clean, so readers see what was written and no later sync makes it durable.
  void fail_sync() { pending_.clear(); }
  std::string after_loss(LossMode mode, Rng& rng) const;

  /// Room on the disk, which only whole sectors take.
  std::uint64_t room() const;
  std::uint64_t more_room_for(const Change& change) const;
  void flip(std::uint64_t byte, unsigned bit);

  int opened = 0;  ///< handles; a file without a name lives as long as one is left

 private:
  std::string durable_, current_;
  std::vector<Change> pending_;
  std::vector<bool> sectors_;  ///< that have room; a hole has none
};

}  // namespace weir::journal
