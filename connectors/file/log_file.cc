#include "log_file.h"

#include <simdjson.h>
#include <weir/base/context.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace weir::file {
namespace {

constexpr std::uint64_t longest_tail = 16 << 20;  // the largest event there is

std::string_view advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT: return "free some space; nothing is lost, it is tried again";
    case EACCES:
    case EPERM: return "give this user write permission, or choose another path";
    case EROFS: return "the file system is mounted read-only: choose another path or remount it";
    case EWOULDBLOCK: return "another process (or another sink) writes to it: give each its own path";
    case EINVAL:
    case ENXIO:
    case EISDIR: return "it must be a regular file";
    case ENOENT:
    case ENOTDIR: return "its folder cannot be used";
    default: return "look at the disk and its mount; nothing acknowledged is affected";
  }
}

/// Whether a last line without its end is the beginning of an event of ours and may be cut. Zeros are what a power loss
/// leaves of pages that never reached the disk. Anything else may be foreign text and is kept.
bool is_torn(const std::string& tail) {
  if (std::string_view("{[\"\0", 4).find(tail.front()) == std::string_view::npos) return false;
  simdjson::dom::parser parser;
  return parser.parse(tail).error() != simdjson::SUCCESS;
}

}  // namespace

LogFile::LogFile(std::string path, bool sync, std::optional<int> gzip_level, Disk& disk)
    : path_(std::move(path)),
      sync_(sync),
      disk_(disk),
      packer_(gzip_level ? std::make_unique<GzipPacker>(*gzip_level) : nullptr) {}

std::string LogFile::folder() const {
  const auto slash = path_.rfind('/');
  if (slash == path_.npos) return ".";
  return slash == 0 ? "/" : path_.substr(0, slash);
}

Error LogFile::error(int negative_errno, std::string_view doing) const {
  const int code = -negative_errno;
  const auto what = code == EWOULDBLOCK ? std::string("in use") : std::generic_category().message(code);
  return {code == ENOSPC || code == EDQUOT ? Error::Kind::overloaded : Error::Kind::failed,
          path_ + ": " + std::string(doing) + ": " + what + ": " + std::string(advice(code)), Duration{0}};
}

Result<void> LogFile::open() {
  const auto fail = [&](int code, std::string_view doing) {
    close();
    return std::unexpected(error(code, doing));
  };
  if (const int made = disk_.make_folders(folder()); made < 0) return fail(made, "cannot create its folder");
  torn_ = {};
  fd_ = disk_.open(path_);
  if (fd_ < 0) return fail(fd_, "cannot open it");
  const auto found = disk_.size(fd_);
  if (found < 0) return fail(static_cast<int>(found), "cannot open it");
  // A new name survives a crash only if its folder was synced.
  if (const int synced = disk_.sync_folder(folder()); synced < 0) return fail(synced, "cannot sync its folder");
  auto settled = settle_length(static_cast<std::uint64_t>(found));
  if (!settled) close();
  return settled;
}

void LogFile::close() {
  if (fd_ >= 0) disk_.close(fd_);
  fd_ = -1;
}

Result<void> LogFile::settle_length(std::uint64_t found) {
  const auto identity = disk_.identity(fd_);
  const bool ours = known_ && identity == identity_ && found >= length_;
  identity_ = identity;
  if (!ours) return adopt(found);
  cut_needed_ = found > length_;
  return undo();
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

/// Plain lines behind gzip would make both unreadable.
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
  torn_ = Bytes(found - end);
  known_ = true;
  return undo();
}

Result<void> LogFile::adopt(std::uint64_t found) {
  known_ = false;
  if (packer_) {
    const auto end = last_member_end(found);
    return end ? cut_behind(*end, found) : std::unexpected(end.error());
  }
  if (auto text = refuse_packed(found); !text) return text;
  const auto line_end = last_line_end(found);
  if (!line_end) return std::unexpected(line_end.error());
  std::string tail(found - *line_end, '\0');
  if (auto got = read_exactly(tail.data(), tail.size(), *line_end); !got) return got;
  if (tail.empty() || is_torn(tail)) return cut_behind(*line_end, found);
  length_ = found;
  begin();
  append("\n");
  auto ended = commit();
  known_ = ended.has_value();
  return ended;
}

Result<void> LogFile::undo() {
  if (!cut_needed_) return {};
  if (const int cut = disk_.truncate(fd_, length_); cut < 0)
    return std::unexpected(error(cut, "cannot cut it back to what was confirmed"));
  cut_needed_ = false;
  return {};
}

void LogFile::begin() {
  piece_count_ = 0;
  written_ = 0;
  write_error_ = 0;
  if (packer_) packer_->begin();
}

void LogFile::append(std::string_view piece) {
  if (!packer_) return add(piece);
  if (write_error_ == 0) packer_->pack(piece, [this](std::string_view packed) { write_packed(packed); });
}

void LogFile::write_packed(std::string_view packed) {
  add(packed);
  flush_pieces();  // the packer writes over it next
}

void LogFile::add(std::string_view piece) {
  if (piece.empty()) return;
  if (piece_count_ == static_cast<int>(pieces_.size())) flush_pieces();
  pieces_[static_cast<std::size_t>(piece_count_++)] = {const_cast<char*>(piece.data()), piece.size()};
}

void LogFile::flush_pieces() {
  auto* next = pieces_.data();
  auto* const end = next + std::exchange(piece_count_, 0);
  if (write_error_ == 0 && cut_needed_ && written_ == 0)  // what an earlier group left
    if (!undo()) write_error_ = -EIO;
  while (next != end && write_error_ == 0) {
    cut_needed_ = true;
    const auto n = disk_.write(fd_, next, static_cast<int>(end - next), length_ + written_);
    if (n <= 0) {
      write_error_ = n < 0 ? static_cast<int>(n) : -ENOSPC;
      break;
    }
    written_ += static_cast<std::uint64_t>(n);
    auto left = static_cast<std::size_t>(n);
    for (; next != end && left >= next->iov_len; ++next) left -= next->iov_len;
    if (left) *next = {static_cast<char*>(next->iov_base) + left, next->iov_len - left};
  }
}

Result<void> LogFile::commit() {
  crash_point("file.before_write");
  if (packer_ && write_error_ == 0) packer_->finish([this](std::string_view packed) { write_packed(packed); });
  flush_pieces();
  if (write_error_ < 0) {
    auto failed = error(write_error_, "cannot write to it");
    if (const auto undone = undo(); !undone) failed.message += " (and " + undone.error().message + ")";
    return std::unexpected(std::move(failed));
  }
  crash_point("file.after_write");
  if (const int synced = sync_ ? disk_.sync(fd_) : 0; synced < 0) {
    close();  // see the header: the next sync of this descriptor would prove nothing
    return std::unexpected(error(synced, "cannot sync it"));
  }
  crash_point("file.after_sync");
  length_ += written_;
  cut_needed_ = false;
  return {};
}

Result<void> LogFile::rotate(const std::string& target) {
  crash_point("file.before_rotate");
  if (auto undone = undo(); !undone) return undone;
  if (const int synced = disk_.sync(fd_); synced < 0) {
    close();
    return std::unexpected(error(synced, "cannot sync it"));
  }
  if (const int renamed = disk_.rename(path_, target); renamed < 0)
    return std::unexpected(error(renamed, "cannot rename it to " + target));
  crash_point("file.after_rename");
  close();
  known_ = false;
  length_ = 0;
  auto opened = open();  // if the name was taken meanwhile, its file is appended to, never replaced
  crash_point("file.after_dir_sync");
  return opened;
}

}  // namespace weir::file
