#include "file_id.h"

#include <weir/base/terminal_text.h>

#include <array>
#include <system_error>

namespace weir::file {

InputFile::~InputFile() {
  if (fd_ >= 0) disk_->close(fd_);
}

Result<InputFile> InputFile::open(const std::string& path, InputDisk& disk) {
  InputFile file;
  file.disk_ = &disk;
  file.fd_ = disk.open(path);
  struct stat status{};
  const int found = file.fd_ < 0 ? file.fd_ : disk.status(file.fd_, status);
  if (found < 0) return failure(terminal_text(path) + ": cannot open it: " + std::generic_category().message(-found));
  if (!S_ISREG(status.st_mode)) return failure(terminal_text(path) + ": is no regular file: name another path");
  return file;
}

std::int64_t InputFile::read(char* to, std::size_t n, std::uint64_t offset) const {
  return disk_->read(fd_, to, n, offset);
}

std::uint64_t InputFile::size() const {
  struct stat status{};
  return disk_->status(fd_, status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool InputFile::deleted() const {
  struct stat status{};
  return disk_->status(fd_, status) == 0 && status.st_nlink == 0;
}

FileId InputFile::id(std::uint32_t length) const {
  struct stat status{};
  FileId id;
  if (disk_->status(fd_, status) != 0) return id;
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
