#pragma once
/// What tells a replaced file from the one that was read, without reading it: device, inode, size and both times of the
/// file that a name leads to. Links are followed, so one that is switched (as Kubernetes does with ..data) is a change,
/// and so is a file that was written in its place or moved there.
///
/// That it cannot be looked at is a stamp of its own: the file is not known to be gone.
///
/// Thread: pure but for the look. Cost: a system call.
#include <cstdint>
#include <string>

namespace weir::config {

struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  int error = 0;  ///< why it could not be looked at

  static FileStamp of(const std::string& path);
  bool operator==(const FileStamp&) const = default;
};

}  // namespace weir::config
