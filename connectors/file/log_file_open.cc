// What stands in the file when it is opened, or when somebody else has changed it.
#include <fmt/format.h>
#include <weir/component/json_form.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "log_file.h"

namespace weir::file {
namespace {

constexpr std::uint64_t longest_tail = 16 << 20;  // the largest event there is

/// A last line without its end, and without the zeros that a power loss leaves of pages that never reached the disk.
std::string_view without_zeros(std::string_view tail) {
  const auto begin = tail.find_first_not_of('\0');
  if (begin == tail.npos) return {};
  return tail.substr(begin, tail.find_last_not_of('\0') + 1 - begin);
}

/// Whether it is the beginning of an event, and so what a crash left of ours. Anything else is somebody's text.
bool is_torn(std::string_view tail) {
  const auto text = without_zeros(tail);
  return text.empty() ||
         (std::string_view("{[\"").contains(text.front()) && json_form_of(text) == JsonForm::unfinished);
}

}  // namespace

Result<void> LogFile::open() {
  const auto fail = [&](int code, std::string_view doing) {
    close();
    return std::unexpected(error(code, doing));
  };
  if (const int made = disk_.make_folders(folder()); made < 0) return fail(made, "cannot create its folder");
  fd_ = disk_.open(path_);
  if (fd_ < 0) return fail(fd_, "cannot open it");
  const auto size = disk_.size(fd_);
  if (size < 0) return fail(static_cast<int>(size), "cannot open it");
  const auto found = disk_.look(fd_);
  if (!found) return fail(-found.error(), "cannot look at it");
  // A new name is only there after a crash when its folder has been synced.
  if (const int synced = disk_.sync_folder(folder()); synced < 0) return fail(synced, "cannot sync its folder");
  said_shared_ = false;
  auto settled = settle_length(*found);
  if (settled)
    opened_ = true;
  else
    close();
  return settled;
}

/// Our own file, opened again after a sync that failed: behind the committed length stands nothing but what we wrote.
Result<void> LogFile::settle_length(const FileLook& found) {
  const bool ours = known_ && held_.is_named_by(found) && length_ <= found.length && found.length <= held_.length();
  held_ = HeldFile(found);
  cut_needed_ = ours && found.length > length_;
  return ours ? undo() : adopt(found.length);
}

Result<std::uint64_t> LogFile::last_line_end(std::uint64_t found) {
  std::array<char, 16384> chunk;
  for (std::uint64_t at = found; at > 0 && found - at <= longest_tail;) {
    const auto n = std::min<std::uint64_t>(chunk.size(), at);
    at -= n;
    if (auto got = read_exactly(chunk.data(), n, at); !got) return std::unexpected(got.error());
    const auto line_end = std::string_view(chunk.data(), n).rfind('\n');
    if (line_end != std::string_view::npos) return at + line_end + 1;
    if (at == 0) return 0;
  }
  if (found == 0) return 0;
  return failure(path_ + ": its last line is longer than 16MiB: this sink did not write it, choose another path");
}

Result<void> LogFile::read_exactly(char* to, std::size_t n, std::uint64_t offset) {
  for (std::size_t done = 0; done < n;) {
    const auto got = disk_.read(fd_, to + done, n - done, offset + done);
    if (got <= 0) return std::unexpected(error(got < 0 ? static_cast<int>(got) : -EIO, "cannot read its end"));
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Result<std::uint64_t> LogFile::last_member_end(std::uint64_t found) {
  auto end = end_of_whole_members(
      found, [this](std::span<char> to, std::uint64_t offset) { return read_exactly(to.data(), to.size(), offset); });
  if (!end && !end.error().message.starts_with(path_)) end.error().message = path_ + ": " + end.error().message;
  return end;
}

/// Lines behind gzip would make neither of them readable.
Result<void> LogFile::refuse_packed(std::uint64_t found) {
  std::array<char, 2> start{};
  if (found < start.size()) return {};
  if (auto got = read_exactly(start.data(), start.size(), 0); !got) return got;
  if (start != std::array{'\x1f', '\x8b'}) return {};
  return failure(path_ + ": it is gzip: choose another path, or compression: gzip");
}

Result<void> LogFile::cut_behind(std::uint64_t end, std::uint64_t found) {
  length_ = end;
  cut_needed_ = found > end;
  known_ = true;
  return undo();
}

Result<void> LogFile::adopt(std::uint64_t found) {
  known_ = false;
  if (!packer_) return adopt_lines(found);
  const auto end = last_member_end(found);
  if (!end) return std::unexpected(end.error());
  if (*end < found)
    note_ = fmt::format("its last {} bytes were torn by a crash and are cut off; nothing of them was confirmed",
                        found - *end);
  return cut_behind(*end, found);
}

Result<void> LogFile::adopt_lines(std::uint64_t found) {
  if (auto text = refuse_packed(found); !text) return text;
  const auto line_end = last_line_end(found);
  if (!line_end) return std::unexpected(line_end.error());
  std::string tail(found - *line_end, '\0');
  if (auto got = read_exactly(tail.data(), tail.size(), *line_end); !got) return got;
  if (tail.empty()) return cut_behind(found, found);
  if (!opened_ && is_torn(tail) && put_aside(without_zeros(tail))) return cut_behind(*line_end, found);
  length_ = found;
  begin();
  append("\n");
  auto ended = commit();
  known_ = ended.has_value();
  return ended;
}

/// Keeps a torn event beside the file: it was never confirmed, and yet it may be another program's. False: it could not
/// be kept, and so may not be cut.
bool LogFile::put_aside(std::string_view tail) {
  note_ =
      fmt::format("its last {} bytes were torn by a crash and are cut off; nothing of them was confirmed", tail.size());
  if (tail.empty()) return true;
  const auto aside = path_ + ".torn";
  const int fd = disk_.open(aside);
  if (fd < 0) return false;
  const std::array parts{iovec{const_cast<char*>(tail.data()), tail.size()}, iovec{const_cast<char*>("\n"), 1}};
  const bool kept = disk_.write(fd, parts.data(), parts.size()) == static_cast<ssize_t>(tail.size() + 1) &&
                    disk_.sync(fd) == 0 && disk_.sync_folder(folder()) == 0;
  disk_.close(fd);
  note_ =
      kept ? fmt::format("its last {} bytes were torn by a crash: they are moved to {}; nothing of them was confirmed",
                         tail.size(), aside)
           : std::string();
  return kept;
}

}  // namespace weir::file
