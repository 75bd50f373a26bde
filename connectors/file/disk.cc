#include "disk.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace weir::file {
namespace {

template <typename Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result < 0 ? static_cast<decltype(result)>(-errno) : result;
}

}  // namespace

int Disk::open(const std::string& path) {
  const int fd = open_or_make(path, O_RDWR | O_APPEND | O_NOCTTY | O_NONBLOCK, mode_);
  if (fd < 0) return fd;
  const int locked = retried([&] { return ::flock(fd, LOCK_EX | LOCK_NB); });
  if (locked == 0) return fd;
  ::close(fd);
  return locked;
}

void Disk::close(int fd) { ::close(fd); }

std::int64_t Disk::size(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return -errno;
  return S_ISREG(status.st_mode) ? status.st_size : -EINVAL;
}

std::expected<FileLook, int> Disk::look(int fd) { return look_at(fd); }
std::expected<std::optional<FileLook>, int> Disk::look(const std::string& path) { return look_at(path); }

ssize_t Disk::read(int fd, char* to, std::size_t n, std::uint64_t offset) {
  return retried([&] { return ::pread(fd, to, n, static_cast<off_t>(offset)); });
}
ssize_t Disk::write(int fd, const iovec* parts, int n) {
  return retried([&] { return ::writev(fd, parts, n); });
}
std::int64_t Disk::position(int fd) {
  const auto at = ::lseek(fd, 0, SEEK_CUR);
  return at < 0 ? -errno : at;
}
// Not retried on EINTR: after a failed sync only a new file descriptor gives a correct answer.
int Disk::sync(int fd) { return ::fdatasync(fd) == 0 ? 0 : -errno; }
int Disk::truncate(int fd, std::uint64_t length) {
  return retried([&] { return ::ftruncate(fd, static_cast<off_t>(length)); });
}
int Disk::rename(const std::string& from, const std::string& to) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 ? 0 : -errno;
}
int Disk::remove(const std::string& path) { return ::unlink(path.c_str()) == 0 ? 0 : -errno; }

int Disk::make_folders(const std::string& path) { return weir::make_folders(path); }

int Disk::sync_folder(const std::string& path) {
  const int fd = retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return fd;
  const int result = ::fsync(fd) == 0 ? 0 : -errno;
  ::close(fd);
  return result;
}

std::expected<std::vector<std::string>, int> Disk::list(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error))
    names.push_back(at->path().filename());
  if (error) return std::unexpected(error.value());
  return names;
}

}  // namespace weir::file
