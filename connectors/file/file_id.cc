#include "file_id.h"

#include <weir/base/terminal_text.h>

#include <array>
#include <system_error>

namespace weir::file {

std::uint64_t hash_on(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

bool FileId::begins_with_zeros() const {
  constexpr std::array<char, longest> zeros{};
  return length > 0 && hash == hash_on(hash_start, {zeros.data(), length});
}

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

std::expected<FileLook, int> InputFile::look() const { return disk_->look(fd_); }

std::expected<std::uint64_t, int> InputFile::hash_before(std::uint64_t end, std::uint32_t length) const {
  std::array<char, FileId::longest> bytes;
  std::uint64_t hash = hash_start;
  for (std::uint32_t done = 0; done < length;) {
    const auto got = read(bytes.data(), length - done, end - length + done);
    if (got < 0) return std::unexpected(static_cast<int>(-got));
    if (got == 0) break;
    hash = hash_on(hash, {bytes.data(), static_cast<std::size_t>(got)});
    done += static_cast<std::uint32_t>(got);
  }
  return hash;
}

std::expected<FileId, int> InputFile::id(std::uint32_t length) const {
  const auto found = look();
  if (!found) return std::unexpected(found.error());
  FileId id{found->device, found->inode, hash_start, 0};
  std::array<char, FileId::longest> begin;
  while (id.length < length) {
    const auto got = read(begin.data(), length - id.length, id.length);
    if (got < 0) return std::unexpected(static_cast<int>(-got));
    if (got == 0) break;
    id.hash = hash_on(id.hash, {begin.data(), static_cast<std::size_t>(got)});
    id.length += static_cast<std::uint32_t>(got);
  }
  return id;
}

std::optional<std::uint64_t> InputFile::next_data(std::uint64_t offset) const {
  const auto at = disk_->next_data(fd_, offset);
  if (at == -ENXIO) return std::nullopt;
  return at < 0 ? offset : static_cast<std::uint64_t>(at);
}

}  // namespace weir::file
