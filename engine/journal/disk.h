#pragma once
/// All of the journal's file access goes through this interface, so that a test can simulate a disk that is full, that
/// fails, or that loses power.
///
/// What may be relied on is POSIX and no more: a write is in doubt until the file was synced; a new name, a changed
/// name and a removed name are in doubt until the folder was. Every sync or rename that orders two steps has a name
/// (`barrier`), so that a test can leave it out and must notice.
///
/// Errors: Error::Kind::overloaded means the disk is full (or the quota is used up) and the same call may work later;
/// everything else is `failed`. The message says what, where and why.
///
/// Thread: a Disk any; a File is read by any and written by one. Cost: a virtual call beside the system call.
#include <weir/base/file_mode.h>
#include <weir/base/held_file.h>
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::journal {

class File {
 public:
  virtual ~File() = default;
  /// Fewer bytes than asked for only at the end of the file.
  virtual Result<std::size_t> read(std::span<char> to, std::uint64_t offset) = 0;
  virtual Result<void> write(std::string_view bytes, std::uint64_t offset) = 0;
  /// After it, everything written to this file is on the disk (fdatasync). After an error it is unknown what is: what
  /// was written since the last sync must be written again, elsewhere.
  virtual Result<void> sync(std::string_view barrier) = 0;
  /// Makes the file this long, with room on the disk for all of it, so that writing inside cannot find it full.
  virtual Result<void> allocate(std::uint64_t length) = 0;
  virtual Result<void> truncate(std::uint64_t length) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Result<FileLook> look() = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  enum class Open : std::uint8_t { read, write, create };  ///< create: write, and there must be none of that name
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  /// Replaces what has the name. A barrier is named where it matters that the new one takes its place in one step.
  virtual Result<void> rename(const std::string& from, const std::string& to, std::string_view barrier) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> make_folder(const std::string& path) = 0;  ///< with its parents; no error when it is there
  virtual Result<void> sync_folder(const std::string& path, std::string_view barrier) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  ///< names, sorted
  /// What has this name now; nothing: nothing has it. That it could not be looked at is an error.
  virtual Result<std::optional<FileLook>> look(const std::string& path) = 0;
  /// Keeps every other process (and every other lock of this one) out until the lock dies; an error when someone has
  /// it.
  class Lock {
   public:
    virtual ~Lock() = default;
    virtual Result<FileLook> look() = 0;  ///< of the file that is locked, whatever it is called by now
  };
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
  virtual Result<Bytes> free_space(const std::string& folder) = 0;
};

/// The machine's disk; files that it makes have this mode. One for each mode, for as long as the process lives.
Disk& system_disk(FileMode mode = {});

}  // namespace weir::journal
