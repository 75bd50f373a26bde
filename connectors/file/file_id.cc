#include "file_id.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace weir::file {

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<InputFile> InputFile::open(const std::string& path) {
  InputFile file;
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat status{};
  if (file.fd_ < 0 || ::fstat(file.fd_, &status) != 0)
    return failure(terminal_text(path) + ": cannot open it: " + std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) return failure(terminal_text(path) + ": is no regular file: name another path");
  return file;
}

std::int64_t InputFile::read(char* to, std::size_t n, std::uint64_t offset) const {
  ssize_t got = 0;
  do {
    got = ::pread(fd_, to, n, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

std::uint64_t InputFile::size() const {
  struct stat status{};
  return ::fstat(fd_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool InputFile::deleted() const {
  struct stat status{};
  return ::fstat(fd_, &status) == 0 && status.st_nlink == 0;
}

FileId InputFile::id(std::uint32_t length) const {
  struct stat status{};
  FileId id;
  if (::fstat(fd_, &status) != 0) return id;
  id.device = status.st_dev;
  id.inode = status.st_ino;
  id.hash = 0xcbf29ce484222325u;
  std::array<char, FileId::longest> begin;
  while (id.length < length) {
    const auto got = read(begin.data(), length - id.length, id.length);
    if (got <= 0) break;
    for (std::int64_t i = 0; i < got; ++i)
      id.hash = (id.hash ^ static_cast<std::uint8_t>(begin[static_cast<std::size_t>(i)])) * 0x100000001b3u;
    id.length += static_cast<std::uint32_t>(got);
  }
  return id;
}

}  // namespace weir::file
