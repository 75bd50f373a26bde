#include "input_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace weir::file {
int InputDisk::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

void InputDisk::close(int fd) { ::close(fd); }

int InputDisk::status(int fd, struct stat& to) { return ::fstat(fd, &to) == 0 ? 0 : -errno; }
int InputDisk::status(const std::string& path, struct stat& to) { return ::stat(path.c_str(), &to) == 0 ? 0 : -errno; }

ssize_t InputDisk::read(int fd, char* to, std::size_t n, std::uint64_t offset) {
  ssize_t got = 0;
  do {
    got = ::pread(fd, to, n, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

std::int64_t InputDisk::next_data(int fd, std::uint64_t offset) {
  const auto at = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  return at < 0 ? -errno : at;
}

int InputDisk::list(const std::string& folder, const std::function<bool(const dirent&)>& f) {
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> open(::opendir(folder.c_str()), close);
  if (!open) return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (!entry) return -errno;
    if (!f(*entry)) return 0;
  }
}

namespace {

FileLook look_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_nlink), static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

std::expected<FileLook, int> InputDisk::look(int fd) {
  struct stat found{};
  if (const int error = status(fd, found); error < 0) return std::unexpected(-error);
  return look_of(found);
}

std::expected<std::optional<FileLook>, int> InputDisk::look(const std::string& path) {
  struct stat found{};
  const int error = status(path, found);
  if (error == -ENOENT || error == -ENOTDIR) return std::nullopt;
  if (error < 0) return std::unexpected(-error);
  return look_of(found);
}

InputDisk& system_input_disk() {
  static InputDisk disk;
  return disk;
}

}  // namespace weir::file
