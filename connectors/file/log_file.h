#pragma once
/// A file of lines that grows by whole groups only: a group is in it entirely, or not at all.
///
/// `length()` is the committed length. A group is written behind it and then synced; when anything fails the file is
/// cut back to it, so that a retry neither duplicates nor tears a line. What stands behind it after a crash was never
/// acknowledged; `open` cuts a torn event off, and ends a whole one (or foreign text) that lacks its line end.
///
/// After a failed fdatasync the kernel may have dropped the pages and marked them clean: a second call would confirm
/// data that is not on the disk. So the file descriptor is closed; the file is opened anew, cut to the committed length
/// (which throws the doubtful pages away) and the group is written afresh.
///
/// Packed, each group is one gzip member (gzip_members.h), and all of the above holds for members instead of lines.
///
/// Thread: one. Cost: one pwritev for each 1024 pieces (packed: each 64 KiB) and one fdatasync a group; opening a
/// packed file inflates it once. Memory: 16 KiB; packed, gzip_footprint more. Ref: Rebello et al., "Can applications
/// recover from fsync failures?", USENIX ATC 2020.
#include <weir/base/result.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "disk.h"
#include "gzip_members.h"

namespace weir::file {

class LogFile {
 public:
  /// `gzip_level` 1 to 9; none: not packed.
  LogFile(std::string path, bool sync, std::optional<int> gzip_level, Disk& disk);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() { close(); }

  /// Opens or creates it, and its folder; a torn last line or member is cut.
  Result<void> open();
  bool is_open() const { return fd_ >= 0; }
  void close();

  /// A group: `begin`, pieces, `commit`. The pieces must stay where they are until commit returns.
  void begin();
  void append(std::string_view piece);
  Result<void> commit();

  /// Moves the file to `target` and begins a new one. The file may be closed after an error; open() goes on.
  Result<void> rotate(const std::string& target);

  bool packs() const { return packer_ != nullptr; }
  std::uint64_t length() const { return length_; }
  /// How much the last `open` cut off because a crash had torn it.
  Bytes torn() const { return torn_; }
  const std::string& path() const { return path_; }
  std::string folder() const;
  /// "data/out.ndjson: No space left on device: advice"
  Error error(int negative_errno, std::string_view doing) const;

 private:
  Result<void> settle_length(std::uint64_t found);
  Result<void> adopt(std::uint64_t found);
  Result<std::uint64_t> last_line_end(std::uint64_t found);
  Result<std::uint64_t> last_member_end(std::uint64_t found);
  Result<void> refuse_packed(std::uint64_t found);
  Result<void> cut_behind(std::uint64_t end, std::uint64_t found);
  Result<void> read_exactly(char* to, std::size_t n, std::uint64_t offset);
  Result<void> undo();
  void add(std::string_view piece);
  void write_packed(std::string_view packed);
  void flush_pieces();

  std::string path_;
  bool sync_;
  Disk& disk_;
  std::unique_ptr<GzipPacker> packer_;
  int fd_ = -1;
  std::uint64_t length_ = 0;
  bool known_ = false;  // length_ is what we committed, not what we found
  std::uint64_t identity_ = 0;
  Bytes torn_{};
  bool cut_needed_ = false;  // bytes of an abandoned group may stand behind length_

  std::array<iovec, 1024> pieces_{};
  int piece_count_ = 0;
  std::uint64_t written_ = 0;
  int write_error_ = 0;
};

}  // namespace weir::file
