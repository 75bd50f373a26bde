#pragma once
/// Where a command writes what it has found: a file, or `-` for standard output. It is opened before the work, so that
/// a folder that cannot be written is not found out afterwards.
///
/// Thread: one owner. Cost: a file.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/file_mode.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace weir::app {

class ReportFile {
 public:
  ReportFile(std::string path, std::string what) : path_(std::move(path)), what_(std::move(what)) {
    if (!path_.empty() && path_ != "-") fd_ = open_or_make(path_, O_WRONLY | O_TRUNC);
  }
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;
  ~ReportFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool is_wanted() const { return !path_.empty(); }
  bool on_stdout() const { return path_ == "-"; }
  std::string trouble() const {
    if (path_.empty() || path_ == "-" || fd_ >= 0) return {};
    return fmt::format("--{}: {} cannot be written: check the path and its permissions", what_, path_);
  }
  bool write(std::string_view text) const {
    if (on_stdout()) return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    while (!text.empty()) {
      const auto n = ::write(fd_, text.data(), text.size());
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_, what_;
  int fd_ = -1;
};

}  // namespace weir::app
