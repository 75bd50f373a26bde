#pragma once
/// The system calls of the file source, so that a test can stand in for a mount that hangs.
///
/// Every call gives its result, or -errno. The base class is the real file system.
///
/// Thread: any; each call may take as long as the file system does, which is for ever when a mount hangs. Cost: a
/// virtual call beside the system call.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <weir/base/held_file.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>

namespace weir::file {

class InputDisk {
 public:
  virtual ~InputDisk() = default;
  virtual int open(const std::string& path);  ///< for reading; never waits for a writer of a pipe
  virtual void close(int fd);
  virtual int status(int fd, struct stat& to);
  virtual int status(const std::string& path, struct stat& to);
  virtual ssize_t read(int fd, char* to, std::size_t n, std::uint64_t offset);
  /// Where the next byte is, at or behind `offset`, that is not in a hole; -ENXIO: there are only holes.
  virtual std::int64_t next_data(int fd, std::uint64_t offset);
  /// Calls f for each entry until it says false. 0, also when there is no such folder, or -errno: then it was not seen
  /// whole.
  virtual int list(const std::string& folder, const std::function<bool(const dirent&)>& f);

  /// What `status` says; the error is an errno. Nothing: nothing has that name.
  std::expected<FileLook, int> look(int fd);
  std::expected<std::optional<FileLook>, int> look(const std::string& path);
};

InputDisk& system_input_disk();

}  // namespace weir::file
