#include "input_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace weir::file {
namespace {

constexpr int most_entries = 100'000;  // of a folder

}  // namespace

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

void InputDisk::list(const std::string& folder, const std::function<bool(const dirent&)>& f) {
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> open(::opendir(folder.c_str()), close);
  if (!open) return;
  int n = 0;
  for (const dirent* entry = ::readdir(open.get()); entry && n < most_entries; entry = ::readdir(open.get()), ++n)
    if (!f(*entry)) return;
}

InputDisk& system_input_disk() {
  static InputDisk disk;
  return disk;
}

}  // namespace weir::file
