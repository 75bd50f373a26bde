// Groups: written, confirmed, undone. What is found when the file is opened is in log_file_open.cc.
#include "log_file.h"

#include <fmt/format.h>
#include <weir/base/context.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace weir::file {
namespace {

std::string_view advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT: return "free some space; nothing is lost, it is tried again";
    case EFBIG:
      return "raise the limit of file sizes (ulimit -f), or set rotate_size; nothing is lost, it is tried again";
    case EACCES:
    case EPERM: return "give this user write permission, or choose another path";
    case EROFS: return "the file system is mounted read-only: choose another path or remount it";
    case EWOULDBLOCK: return "another process (or another sink) writes to it: give each its own path";
    case EINVAL:
    case ENXIO:
    case EISDIR: return "it must be a regular file";
    case ENOENT:
    case ENOTDIR: return "its folder cannot be used";
    case EMFILE:
    case ENFILE: return "raise the limit of open files (ulimit -n); nothing is lost, it is tried again";
    default: return "look at the disk and its mount; nothing acknowledged is affected";
  }
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
  const bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  std::optional<Reason> reason;
  if (is_full) reason = Reason::disk_full;
  if (code == EWOULDBLOCK) reason = Reason::destination_locked;
  return {is_full ? Error::Kind::overloaded : Error::Kind::failed,
          path_ + ": " + std::string(doing) + ": " + what + ": " + std::string(advice(code)), Duration{0}, reason};
}

void LogFile::close() {
  if (fd_ >= 0) disk_.close(fd_);
  fd_ = -1;
}

Result<void> LogFile::find() {
  if (!is_open()) return open();
  const auto found = disk_.look(path_);
  if (!found) return std::unexpected(error(-found.error(), "cannot look whether it is still there"));
  const auto state = held_.state(*found);
  if (state == HeldFile::State::same) return undo();
  if (state == HeldFile::State::missing || state == HeldFile::State::replaced) {
    (void)undo();
    note_ = fmt::format("it {}: what comes now goes to {}", text(state), *found ? "that one" : "a new one");
    close();
    known_ = false;
    return open();
  }
  if (state == HeldFile::State::shorter || !std::exchange(said_shared_, true))
    note_ = fmt::format("it {}: what comes now goes on behind it", text(state));
  cut_needed_ = false;  // what we had abandoned is gone, or others have written behind it
  held_ = HeldFile(**found);
  return adopt((*found)->length);
}

/// Cuts an abandoned group off, if nobody has written behind it.
Result<void> LogFile::undo() {
  if (!cut_needed_) return {};
  const auto size = disk_.size(fd_);
  if (size < 0) return std::unexpected(error(static_cast<int>(size), "cannot see how long it is"));
  if (static_cast<std::uint64_t>(size) != held_.length()) {
    close();
    known_ = cut_needed_ = false;
    return failure(path_ + ": somebody else has written to it meanwhile; it is opened again");
  }
  if (const int cut = disk_.truncate(fd_, length_); cut < 0)
    return std::unexpected(error(cut, "cannot cut it back to what was confirmed"));
  held_.leave(length_);
  cut_needed_ = false;
  return {};
}

void LogFile::begin() {
  piece_count_ = 0;
  written_ = 0;
  write_error_ = 0;
  group_begin_ = group_end_ = length_;
  in_one_piece_ = true;
  disturbed_ = false;
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
  while (next != end && write_error_ == 0) {
    const auto n = disk_.write(fd_, next, static_cast<int>(end - next));
    if (n <= 0) {
      write_error_ = n < 0 ? static_cast<int>(n) : -ENOSPC;
      break;
    }
    cut_needed_ = true;
    const auto bytes = static_cast<std::uint64_t>(n);
    const auto at = disk_.position(fd_);
    const auto begin = at < 0 ? ~0ull : static_cast<std::uint64_t>(at) - bytes;
    if (written_ == 0) group_begin_ = begin;
    in_one_piece_ = in_one_piece_ && at >= 0 && begin == group_begin_ + written_;
    written_ += bytes;
    group_end_ = group_begin_ + written_;
    held_.leave(held_.length() + bytes);
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
  return confirm();
}

/// Whether what was written can be found under the path; nothing is answered before.
Result<void> LogFile::confirm() {
  const auto found = disk_.look(path_);
  if (!found) {
    (void)undo();
    return std::unexpected(error(-found.error(), "cannot look whether it is still there"));
  }
  const auto state = held_.state(*found);
  const bool as_left = state == HeldFile::State::same && in_one_piece_ && group_begin_ == length_;
  if (!as_left && !(held_.is_named_by(*found) && stands_as_lines(**found))) return lost_hold(state);
  length_ = group_end_;
  held_.leave(length_);  // what others wrote behind it is seen by the next find
  cut_needed_ = false;
  return {};
}

/// With others about: our lines are one behind the other, the first of them begins a line, and the last is still there.
bool LogFile::stands_as_lines(const FileLook& found) {
  if (packer_ || !in_one_piece_ || found.length < group_end_) return false;
  char before = '\n';
  if (group_begin_ > 0 && !read_exactly(&before, 1, group_begin_ - 1)) return false;
  return before == '\n';
}

Result<void> LogFile::lost_hold(HeldFile::State state) {
  const bool elsewhere = state == HeldFile::State::missing || state == HeldFile::State::replaced;
  if (elsewhere) (void)undo();  // it is written again where it can be found
  note_ = fmt::format("it {} while events were written: they are written again, to {}", text(state),
                      state == HeldFile::State::missing ? "a new one" : "what is there now");
  close();
  known_ = cut_needed_ = false;
  disturbed_ = true;
  return failure(fmt::format("{}: it {} while events were written to it; they are written again", path_, text(state)));
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
