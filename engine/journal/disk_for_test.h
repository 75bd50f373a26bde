#pragma once
/// A disk in memory that loses power, fills up and fails, to show that the journal keeps its promises on it.
///
///     PowerDisk disk;                              // run once: how many steps are there?
///     disk.crash_after(n);                         // run again for each n
///     auto left = disk.after_power_loss(rng, LossMode::random);   // and recover from what it may look like
///
/// Every call that changes something (write, allocate, truncate, sync, create, rename, remove, each new folder,
/// sync_folder) is one step, also when it fails; the first lock of a name creates the file, which is one too. What is
/// in doubt, and how it can come back, is written in disk_inode_for_test.h and disk_names_for_test.h.
///
/// A failed file sync is Linux's: what was pending stays visible and never becomes durable. A failed folder sync leaves
/// the names in doubt. A write that finds the disk full has written what fitted.
///
/// Thread: any; one mutex. It must outlive its files and locks. Cost: a copy of the bytes written; a sync copies them
/// again; clone() and after_power_loss() copy the content of the disk, so that files of some KiB take microseconds.
/// Ref: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014 (ALICE).
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "journal/disk.h"
#include "journal/disk_inode_for_test.h"
#include "journal/disk_names_for_test.h"

namespace weir::journal {

class PowerDisk : public Disk {
 public:
  enum class Op : std::uint8_t {
    open,
    read,
    list,
    lock,
    look,  // change nothing
    write,
    allocate,
    truncate,
    sync,
    create,
    rename,
    remove,
    make_folder,
    sync_folder
  };

  PowerDisk() = default;
  /// As it is now, with its barriers, faults and steps, but without open files and locks.
  std::unique_ptr<PowerDisk> clone() const;

  std::uint64_t steps() const;
  /// When that many steps are done (0: at once) every call fails with "power lost" and nothing changes any more.
  void crash_after(std::uint64_t step);
  /// A disk as this one could look after losing power now: steps from 0, no faults; capacity and ignored barriers stay.
  std::unique_ptr<PowerDisk> after_power_loss(Rng& rng, LossMode mode) const;

  /// A sync of that name only says that it succeeded. A rename of that name is not atomic: the target's old name goes
  /// in one step, the new one comes in a second.
  void ignore(std::string barrier);
  std::set<std::string> barriers() const;  ///< the names seen so far

  /// The nth call of that kind from now on (1: the next) fails, once or with all that follow. The message becomes
  /// "cannot sync data/a: " and the error's own. A failed call does nothing, except that a failed sync loses what was
  /// pending.
  void fail_once(Op op, std::uint64_t nth, Error error);
  void fail_from(Op op, std::uint64_t nth, Error error);
  void mend();  ///< forgets all of these
  static Error io_error() { return {Error::Kind::failed, "Input/output error", Duration{0}}; }

  /// Files take room in sectors of 512 bytes. Beyond this allocating, and writing where no room is, finds the disk
  /// full.
  void set_capacity(Bytes capacity);
  Bytes used() const;
  void set_read_only(bool read_only);  ///< every step fails: "Read-only file system"

  /// Damage, and looking at it: at once, durable, no step, no fault, also after the power went. The file must be there
  /// (its folder for put and copy_file); all names in its folder become durable with it.
  void flip_bit(const std::string& path, std::uint64_t byte, unsigned bit = 0);
  void cut(const std::string& path, std::uint64_t length);
  void erase(const std::string& path);
  void put(const std::string& path, std::string content);
  void copy_file(const std::string& from, const std::string& to) { put(to, content(from)); }
  std::string content(const std::string& path) const;
  bool exists(const std::string& path) const;
  /// What people do to a folder behind the journal's back; no step and no fault.
  void move_folder(const std::string& from, const std::string& to);

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  Result<void> rename(const std::string& from, const std::string& to, std::string_view barrier) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_folder(const std::string& path) override;
  Result<void> sync_folder(const std::string& path, std::string_view barrier) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Result<std::optional<FileLook>> look(const std::string& path) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;
  Result<Bytes> free_space(const std::string& folder) override;

 private:
  class Handle;
  class Held;
  struct Fault {
    Op op;
    std::uint64_t countdown;
    bool once;
    Error error;
  };
  struct State {
    Names names;
    std::map<std::uint64_t, Inode> inodes;
    std::uint64_t next_inode = Names::folder + 1;
    std::uint64_t steps = 0, crash_at = UINT64_MAX;
    std::set<std::string> barriers, ignored;
    std::vector<Fault> faults;
    std::uint64_t capacity = UINT64_MAX;
    bool read_only = false;
  };

  explicit PowerDisk(State state);
  bool power_lost() const { return state_.steps >= state_.crash_at; }
  static std::unexpected<Error> refused(Op op, const std::string& path, int error);
  std::optional<Error> fault(Op op);
  Result<void> begin(Op op, const std::string& path);
  bool pass(std::string_view barrier);
  Result<std::uint64_t> create(const std::string& path);
  Result<void> change(std::uint64_t inode, const std::string& path, Op op, Inode::Change change);
  std::uint64_t room_taken() const;
  std::uint64_t room_left() const;
  void forget_unreachable();
  const Inode& there(const std::string& path) const;
  FileLook look_of(std::uint64_t inode) const;

  mutable std::mutex mutex_;
  State state_;
  std::set<std::string> locked_;
};

}  // namespace weir::journal
