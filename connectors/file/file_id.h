#pragma once
/// The identity of a file, independent of its name: device and inode, and a fingerprint of its beginning, because
/// inodes are reused and a file may be emptied and written again.
///
/// The fingerprint is the FNV-1a hash of the first `length` bytes, at most 1 KiB; it grows with the file. Two files
/// with one inode, one after the other, that begin with the same 1 KiB are taken for one.
///
/// A device's number may be another one after a reboot: what an earlier process noted is compared without it.
///
/// What could not be read is an error here, an errno: no caller takes it for a file that is empty, or another one.
///
/// Thread: values; InputFile one thread. Cost: `still` one pread and about 1 us. Ref: Fowler, Noll, Vo (FNV-1a, 64
/// bit).
#include <weir/base/held_file.h>
#include <weir/base/result.h>
#include <weir/base/written_files.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "input_disk.h"

namespace weir::file {

struct FileId {
  static constexpr std::uint32_t longest = 1024;
  std::uint64_t device = 0, inode = 0;
  std::uint64_t hash = 0;
  std::uint32_t length = 0;  ///< of the beginning that was hashed
  bool operator==(const FileId&) const = default;
  bool same_inode(const FileId& o) const { return device == o.device && inode == o.inode; }
  /// Nothing of its beginning is left: a hole was made there, to give space back to the disk.
  bool begins_with_zeros() const;
  bool begins_as(const FileId& o) const { return length == o.length && hash == o.hash; }
};

inline constexpr std::uint64_t hash_start = 0xcbf29ce484222325u;
std::uint64_t hash_on(std::uint64_t hash, std::string_view bytes);

/// A regular file opened for reading.
class InputFile {
 public:
  InputFile() = default;
  InputFile(InputFile&& o) noexcept : disk_(o.disk_), fd_(std::exchange(o.fd_, -1)) {}
  InputFile& operator=(InputFile&& o) noexcept {
    std::swap(disk_, o.disk_);
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~InputFile();

  /// Never waits, and takes nothing but a regular file.
  static Result<InputFile> open(const std::string& path, InputDisk& disk = system_input_disk());
  /// Bytes read, 0 at the end, or -errno.
  std::int64_t read(char* to, std::size_t n, std::uint64_t offset) const;
  std::expected<FileLook, int> look() const;
  bool is_one_of(const WrittenFiles& files) const { return files.is_written(fd_); }
  /// Its identity with a fingerprint of its first `length` bytes, or of what there is.
  std::expected<FileId, int> id(std::uint32_t length = FileId::longest) const;
  /// The hash of the `length` bytes before `end`.
  std::expected<std::uint64_t, int> hash_before(std::uint64_t end, std::uint32_t length) const;
  /// Where the next byte is, at or behind `offset`, that is not in a hole; `offset` itself when that is not known.
  /// Nothing: there are only holes.
  std::optional<std::uint64_t> next_data(std::uint64_t offset) const;

 private:
  InputDisk* disk_ = nullptr;
  int fd_ = -1;
};

}  // namespace weir::file
