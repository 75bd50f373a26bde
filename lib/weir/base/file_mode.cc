#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/base/file_mode.h>

#include <cerrno>
#include <charconv>

namespace weir {
namespace {

constexpr std::uint32_t owner = 0600, possible = 0666, folder_mode = 0755;
constexpr int most_tries = 8;  // while others make and remove it

int opened(const std::string& path, int flags, std::uint32_t bits) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, bits);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

}  // namespace

std::optional<FileMode> FileMode::from_text(std::string_view text) {
  FileMode mode;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, mode.bits_, 8);
  const bool is_octal = read.ec == std::errc{} && read.ptr == end && (text.size() == 3 || text.size() == 4);
  if (!is_octal || (mode.bits_ & owner) != owner || (mode.bits_ & ~possible) != 0) return std::nullopt;
  return mode;
}

std::string FileMode::text() const {
  std::string digits = "0000";
  for (std::size_t i = 0; i < digits.size(); ++i) digits[i] += static_cast<char>(bits_ >> (9 - 3 * i) & 7);
  return digits;
}

int open_or_make(const std::string& path, int flags, FileMode mode) {
  for (int tries = 0; tries < most_tries; ++tries) {
    if (!(flags & O_EXCL))
      if (const int fd = opened(path, flags, 0); fd != -ENOENT) return fd;
    const int fd = opened(path, flags | O_CREAT | O_EXCL, mode.bits());
    if (fd >= 0) (void)!::fchmod(fd, mode.bits());
    if (fd != -EEXIST || (flags & O_EXCL)) return fd;
  }
  return opened(path, flags | O_CREAT, mode.bits());  // the name is a link to a file that is not there
}

int make_folders(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  const auto name = end == std::string::npos ? path : path.substr(0, end + 1);
  const auto make = [&] { return ::mkdir(name.c_str(), folder_mode) == 0 ? 0 : errno; };
  int error = make();
  if (const auto slash = name.rfind('/'); error == ENOENT && slash != std::string::npos && slash > 0) {
    if (const int above = make_folders(name.substr(0, slash)); above < 0) return above;
    error = make();
  }
  struct stat status{};
  if (error != 0 && ::stat(name.c_str(), &status) == 0) error = S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
  return -error;
}

int make_file(const std::string& path, FileMode mode) {
  if (::mknod(path.c_str(), S_IFREG | mode.bits(), 0) == 0) {
    (void)!::chmod(path.c_str(), mode.bits());
    return 0;
  }
  const int error = errno;
  const bool impossible = error == EPERM || error == ENOSYS || error == EOPNOTSUPP;  // some file systems: no mknod
  if (!impossible) return error == EEXIST ? 0 : -error;
  const int fd = open_or_make(path, O_RDWR | O_EXCL, mode);
  if (fd >= 0) ::close(fd);
  return fd >= 0 || fd == -EEXIST ? 0 : fd;
}

}  // namespace weir
