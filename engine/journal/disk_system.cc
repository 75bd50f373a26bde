#include "journal/disk_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <weir/base/file_mode.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "journal/disk.h"

namespace weir::journal {

std::unexpected<Error> disk_failure(std::string_view what, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  std::string message = "cannot " + std::string(what) + " " + path + ": " + std::generic_category().message(error);
  if (!full) return failure(std::move(message));
  return std::unexpected(Error{Error::Kind::overloaded, std::move(message), Duration{0}, Reason::disk_full});
}

namespace {

template <typename Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor opened(const std::string& path, int flags) {
  return Descriptor(retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY); }));
}

/// As opened(), and makes it if there is none.
Descriptor opened_or_made(const std::string& path, int flags, FileMode mode) {
  const int fd = open_or_make(path, flags | O_NOCTTY, mode);
  if (fd < 0) errno = -fd;
  return Descriptor(fd);
}

template <typename Look>
Result<Look> looked(std::expected<Look, int> found, const std::string& path) {
  if (!found) return disk_failure("look at", path, found.error());
  return *found;
}

class SystemFile : public File {
 public:
  SystemFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < to.size()) {
      const auto at = static_cast<off_t>(offset + done);
      const auto n = retried([&] { return ::pread(fd_.get(), to.data() + done, to.size() - done, at); });
      if (n < 0) return failed("read");
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void> write(std::string_view bytes, std::uint64_t offset) override {
    while (!bytes.empty()) {
      const auto at = static_cast<off_t>(offset);
      const auto n = retried([&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), at); });
      if (n < 0) return failed("write");
      if (n == 0) return disk_failure("write", path_, EIO);  // a device that takes nothing would be asked for ever
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  // Not retried on EINTR: the pages of a failed sync are marked clean, so a second sync would succeed without writing
  // them.
  Result<void> sync(std::string_view) override {
    if (::fdatasync(fd_.get()) != 0) return failed("sync");
    return {};
  }

  Result<void> allocate(std::uint64_t length) override {
    const auto before = size();
    if (!before) return std::unexpected(before.error());
    if (length == 0) return truncate(0);
    const auto end = static_cast<off_t>(length);
    if (retried([&] { return ::fallocate(fd_.get(), 0, 0, end); }) != 0) {
      if (errno != EOPNOTSUPP && errno != ENOSYS) return failed("allocate");
      if (auto filled = write_zeros(*before, length); !filled) return filled;
    }
    return *before > length ? truncate(length) : Result<void>{};
  }

  Result<void> truncate(std::uint64_t length) override {
    if (retried([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(length)); }) != 0) return failed("truncate");
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return failed("examine");
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<FileLook> look() override { return looked(look_at(fd_.get()), path_); }

 private:
  std::unexpected<Error> failed(std::string_view what) const { return disk_failure(what, path_, errno); }

  Result<void> write_zeros(std::uint64_t from, std::uint64_t to) {
    static constexpr char zeros[64 * 1024] = {};
    while (from < to) {
      const auto n = std::min<std::uint64_t>(sizeof zeros, to - from);
      if (auto written = write({zeros, n}, from); !written) return written;
      from += n;
    }
    return {};
  }

  Descriptor fd_;
  std::string path_;
};

class SystemLock : public Disk::Lock {
 public:
  SystemLock(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<FileLook> look() override { return looked(look_at(fd_.get()), path_); }

 private:
  Descriptor fd_;
  std::string path_;
};

std::string holder(int fd) {
  char text[24] = {};
  const auto n = retried([&] { return ::pread(fd, text, sizeof text - 1, 0); });
  std::string pid(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  pid.resize(std::min(pid.find_first_not_of("0123456789"), pid.size()));
  return pid.empty() ? "another process" : "process " + pid;
}

// For people only: the lock itself is the kernel's, so it does not matter if the disk is too full for the number.
void sign(int fd) {
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0) return;
  (void)!::pwrite(fd, pid.data(), pid.size(), 0);
}

class SystemDisk : public Disk {
 public:
  explicit SystemDisk(FileMode mode) : mode_(mode) {}

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    auto fd = how == Open::create ? opened_or_made(path, O_RDWR | O_EXCL, mode_)
                                  : opened(path, how == Open::read ? O_RDONLY : O_RDWR);
    if (!fd.valid()) return disk_failure(how == Open::create ? "create" : "open", path, errno);
    return std::make_unique<SystemFile>(std::move(fd), path);
  }

  Result<void> rename(const std::string& from, const std::string& to, std::string_view) override {
    if (::renameat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()) == 0) return {};
    return disk_failure("rename", from + " to " + to, errno);
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return disk_failure("remove", path, errno);
    return {};
  }

  Result<void> make_folder(const std::string& path) override {
    if (const int made = make_folders(path); made < 0) return disk_failure("make folder", path, -made);
    return {};
  }

  Result<void> sync_folder(const std::string& path, std::string_view) override {
    const auto fd = opened(path, O_RDONLY | O_DIRECTORY);
    if (!fd.valid() || ::fsync(fd.get()) != 0) return disk_failure("sync folder", path, errno);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(folder, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      names.push_back(at->path().filename());
    }
    if (error) return disk_failure("list", folder, error.value());
    std::ranges::sort(names);
    return names;
  }

  Result<std::optional<FileLook>> look(const std::string& path) override { return looked(look_at(path), path); }

  Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
    auto fd = opened_or_made(path, O_RDWR, mode_);
    if (!fd.valid()) return disk_failure("lock", path, errno);
    if (retried([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return disk_failure("lock", path, errno);
      return failure("cannot lock " + path + ": it is used by " + holder(fd.get()) +
                     "; stop that one or configure another folder");
    }
    sign(fd.get());
    return std::make_unique<SystemLock>(std::move(fd), path);
  }

  Result<Bytes> free_space(const std::string& folder) override {
    struct statvfs status{};
    if (retried([&] { return ::statvfs(folder.c_str(), &status); }) != 0) {
      return disk_failure("see the free space of", folder, errno);
    }
    return Bytes(static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize);
  }

 private:
  const FileMode mode_;
};

}  // namespace

Disk& system_disk(FileMode mode) {
  static std::mutex mutex;
  static std::map<std::uint32_t, SystemDisk> disks;
  const std::lock_guard lock(mutex);
  return disks.try_emplace(mode.bits(), mode).first->second;
}

}  // namespace weir::journal
