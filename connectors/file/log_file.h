#pragma once
/// A file of lines that grows by whole groups only: a group is in it entirely, or not at all.
///
/// `length()` is the committed length. A group is appended behind it and then synced; when anything fails the file is
/// cut back to it, so that trying again neither doubles nor tears a line. What stands behind it after a crash was never
/// acknowledged; `open` moves a torn event to PATH.torn, and ends a whole one (or foreign text) that lacks its line
/// end.
///
/// The file may be taken away at any time: deleted, renamed (logrotate), emptied (copytruncate), written to by others.
/// `find` looks before a group, `commit` before its answer, whether the path still names the file as it was left. If
/// not, the file is closed, the next `find` opens what the path names now or makes it anew, and the group is written
/// there. What others have written is kept, and ended with a line feed; only what is certainly ours is ever cut.
///
///   before a group     the path names another file, or none     opened or made anew
///                      shorter, or longer, than it was left     goes on at its end
///   before the answer  the path names another file, or none     disturbed: the group again, there
///                      longer, our group in one piece           answered
///                      shorter, or others within our group      disturbed: the group again
///                      it cannot be looked at                   not answered, cut back, an error
///
/// After a failed fdatasync the kernel may have dropped the pages and marked them clean: a second call would confirm
/// data that is not on the disk. So the file descriptor is closed; the file is opened anew, cut to the committed length
/// (which throws the doubtful pages away) and the group is written afresh.
///
/// Packed, each group is one gzip member (gzip_members.h), and all of the above holds for members instead of lines;
/// what is neither a member nor the beginning of one of ours is an error, and left as it is.
///
/// Thread: one. Cost: one writev for each 1024 pieces (packed: each 64 KiB), one fdatasync and two stats a group;
/// opening a packed file inflates it once. Memory: 16 KiB; packed, gzip_footprint more. Ref: Rebello et al., "Can
/// applications recover from fsync failures?", USENIX ATC 2020.
#include <weir/base/held_file.h>
#include <weir/base/result.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

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

  /// Opens or creates it, and its folder; a torn last line or member goes.
  Result<void> open();
  bool is_open() const { return fd_ >= 0; }
  void close();

  /// Before each group: the path's file is open afterwards, and `length()` is where the group will stand.
  Result<void> find();
  /// A group: `begin`, pieces, `commit`. The pieces must stay where they are until commit returns.
  void begin();
  void append(std::string_view piece);
  Result<void> commit();
  /// Whether the last commit failed because of what somebody did to the file: the group may be written again at once.
  bool disturbed() const { return disturbed_; }

  /// Moves the file to `target` and begins a new one. The file may be closed after an error; open() goes on.
  Result<void> rotate(const std::string& target);

  bool packs() const { return packer_ != nullptr; }
  std::uint64_t length() const { return length_; }
  /// What somebody did to the file, or a crash had torn, for people; each once.
  std::string take_note() { return std::exchange(note_, {}); }
  const std::string& path() const { return path_; }
  std::string folder() const;
  /// "data/out.ndjson: No space left on device: advice"
  Error error(int negative_errno, std::string_view doing) const;

 private:
  // log_file_open.cc: what is found in the file
  Result<void> settle_length(const FileLook& found);
  Result<void> adopt(std::uint64_t found);
  Result<void> adopt_lines(std::uint64_t found);
  Result<std::uint64_t> last_line_end(std::uint64_t found);
  Result<std::uint64_t> last_member_end(std::uint64_t found);
  Result<void> refuse_packed(std::uint64_t found);
  Result<void> cut_behind(std::uint64_t end, std::uint64_t found);
  Result<void> read_exactly(char* to, std::size_t n, std::uint64_t offset);
  bool put_aside(std::string_view tail);

  Result<void> undo();
  void add(std::string_view piece);
  void write_packed(std::string_view packed);
  void flush_pieces();
  Result<void> confirm();
  bool stands_as_lines(const FileLook& found);
  Result<void> lost_hold(HeldFile::State state);

  std::string path_;
  bool sync_;
  Disk& disk_;
  std::unique_ptr<GzipPacker> packer_;
  int fd_ = -1;
  std::uint64_t length_ = 0;
  bool known_ = false;   // length_ is what we committed, not what we found
  bool opened_ = false;  // once: what stands at its end can no more be what an earlier life left
  HeldFile held_;        // as long as we left it, an abandoned group behind length_ included
  bool cut_needed_ = false;
  bool disturbed_ = false;
  bool said_shared_ = false;
  std::string note_;

  std::array<iovec, 1024> pieces_{};
  int piece_count_ = 0;
  std::uint64_t written_ = 0;                      // of this group
  std::uint64_t group_begin_ = 0, group_end_ = 0;  // where it really stands
  bool in_one_piece_ = true;
  int write_error_ = 0;
};

}  // namespace weir::file
