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

#include <cstdint>
#include <functional>
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
  /// Calls f for each entry until it says false. A folder that cannot be read has none.
  virtual void list(const std::string& folder, const std::function<bool(const dirent&)>& f);
};

InputDisk& system_input_disk();

}  // namespace weir::file
