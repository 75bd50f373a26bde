#pragma once
/// The system calls of the file sink, so that a test can simulate a disk that is full, slow or wrong about its syncs.
///
/// Every call gives its result, or -errno. The base class is the real disk.
///
/// Thread: one. Cost: a virtual call beside the system call.
#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <weir/base/file_mode.h>
#include <weir/base/held_file.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace weir::file {

class Disk {
 public:
  explicit Disk(FileMode mode = {}) : mode_(mode) {}  ///< of the files it makes
  virtual ~Disk() = default;
  /// For reading, and for appending: no write lands anywhere but at the end. Also takes the lock that keeps a second
  /// writer out: -EWOULDBLOCK when somebody has it.
  virtual int open(const std::string& path);
  virtual void close(int fd);
  virtual std::int64_t size(int fd);                  ///< -EINVAL when it is no regular file
  virtual std::expected<FileLook, int> look(int fd);  ///< or an errno
  virtual std::expected<std::optional<FileLook>, int> look(const std::string& path);
  virtual ssize_t read(int fd, char* to, std::size_t n, std::uint64_t offset);
  virtual ssize_t write(int fd, const iovec* parts, int n);  ///< at the end, wherever that is by now
  virtual std::int64_t position(int fd);                     ///< where what was written last ends
  virtual int sync(int fd);                                  ///< fdatasync
  virtual int truncate(int fd, std::uint64_t length);
  virtual int rename(const std::string& from, const std::string& to);  ///< -EEXIST rather than replace
  virtual int remove(const std::string& path);
  virtual int make_folders(const std::string& path);
  virtual int sync_folder(const std::string& path);
  virtual std::expected<std::vector<std::string>, int> list(const std::string& folder);  ///< the names, or an errno

 private:
  const FileMode mode_;
};

}  // namespace weir::file
