#pragma once
/// The system calls of the file sink, so that a test can simulate a disk that is full, slow or wrong about its syncs.
///
/// Every call gives its result, or -errno. The base class is the real disk.
///
/// Thread: one. Cost: a virtual call beside the system call.
#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::file {

class Disk {
 public:
  virtual ~Disk() = default;
  /// Also takes the lock that keeps a second writer out: -EWOULDBLOCK when another process has it.
  virtual int open(const std::string& path);
  virtual void close(int fd);
  virtual std::int64_t size(int fd);       ///< -EINVAL when it is no regular file
  virtual std::uint64_t identity(int fd);  ///< the same as long as it is the same file
  virtual ssize_t read(int fd, char* to, std::size_t n, std::uint64_t offset);
  virtual ssize_t write(int fd, const iovec* parts, int n, std::uint64_t offset);
  virtual int sync(int fd);  ///< fdatasync
  virtual int truncate(int fd, std::uint64_t length);
  virtual int rename(const std::string& from, const std::string& to);  ///< -EEXIST rather than replace
  virtual int remove(const std::string& path);
  virtual int make_folders(const std::string& path);
  virtual int sync_folder(const std::string& path);
  virtual std::vector<std::string> list(const std::string& folder);  ///< the names in it
};

}  // namespace weir::file
