#pragma once
/// Who may read the files that Weir makes: their owner and nobody else, unless the configuration says more.
///
/// What flows through Weir is other people's data, so who may read what is kept of it must not hang on the umask of the
/// shell it was started from. This is the only place where a file is made:
///
///   nothing has the name   it is made with exactly this mode, whatever the umask is
///   it is there            it is opened and keeps the mode it has: whoever changed it meant it
///
/// Folders are made for their owner to change and for others to pass through (0755), or less if the umask says so: who
/// may read a file is said by its own mode, but nobody else may rename or replace it.
///
/// A file system without modes (FAT, some network shares) keeps its own; that is no error.
///
/// Thread: any. Cost: open(2) once or twice; fchmod(2) for a file that is made. On cancel: no waiting.
/// Ref: open(2), umask(2), chmod(2).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

class FileMode {
 public:
  constexpr FileMode() = default;
  /// Octal digits, as chmod takes them: "0640". Nothing when it is none, or would keep the owner from reading or
  /// writing, or let anybody execute it: Weir could not work with the first, and nobody needs the second.
  static std::optional<FileMode> from_text(std::string_view text);
  constexpr std::uint32_t bits() const { return bits_; }
  std::string text() const;  ///< "0640"
  bool operator==(const FileMode&) const = default;

 private:
  std::uint32_t bits_ = 0600;
};

/// open(2) with O_CLOEXEC, making the file if there is none (O_EXCL: only then). The descriptor, or -errno.
int open_or_make(const std::string& path, int flags, FileMode mode = {});
/// Only sees to it that there is one, without opening it: a descriptor that is closed would take away the locks that
/// this process has on the file (fcntl(2)). 0, or -errno.
int make_file(const std::string& path, FileMode mode = {});

/// Makes a folder and those above it that are not there. 0, also when it is there; or -errno.
int make_folders(const std::string& path);

}  // namespace weir
