#pragma once
/// The real disk of a sink, which tells the process what it writes, so that no source of it reads that
/// (weir/base/written_files.h).
///
/// Thread: one. Cost: as Disk, and a statx when a file is opened or closed.
#include <weir/base/written_files.h>

#include "disk.h"

namespace weir::file {

class WrittenDisk final : public Disk {
 public:
  explicit WrittenDisk(WrittenFiles& written, FileMode mode = {}) : Disk(mode), written_(written) {}
  int open(const std::string& path) override {
    const int fd = Disk::open(path);
    if (fd >= 0) written_.opened(fd);
    return fd;
  }
  void close(int fd) override {
    written_.closing(fd);
    Disk::close(fd);
  }

 private:
  WrittenFiles& written_;
};

}  // namespace weir::file
