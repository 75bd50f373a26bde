#pragma once
/// Whether a path still names the file that is held open, so that nothing is answered that was written to a file which
/// nobody can find any more.
///
/// A descriptor goes on working after its file was deleted, renamed (logrotate) or emptied (copytruncate), and tells
/// nothing of it. Only a look at the path does:
///
///   missing    nothing has that name: the file was deleted or renamed
///   replaced   another file has it
///   shorter    it is this file, and somebody has cut or emptied it
///   longer     it is this file, and somebody else has written to it
///   same       it is this file, as long as it was left
///
/// "Nothing has that name" is an answer; that the path could not be looked at (no permission, no memory, a disk that
/// fails) is none. They have different types here, and callers give up or begin anew on an answer only.
///
/// Thread: values; the two `look_at` any. Cost: one stat(2), about 1 us. Ref: stat(2), inode(7).
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// What a look at a file shows. A device and an inode name one file for as long as it is open.
struct FileLook {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t links = 0;  ///< 0: it has no name any more
  std::uint64_t length = 0;
  bool same_file(const FileLook& other) const { return device == other.device && inode == other.inode; }
};

/// The file that a path names; an empty optional: nothing has that name. The error is an errno: it was not seen.
std::expected<std::optional<FileLook>, int> look_at(const std::string& path);
std::expected<FileLook, int> look_at(int descriptor);

class HeldFile {
 public:
  enum class State : std::uint8_t { same, missing, replaced, shorter, longer };

  HeldFile() = default;
  explicit HeldFile(const FileLook& opened) : left_(opened) {}
  /// Its owner has written to it, or cut it.
  void leave(std::uint64_t length) { left_.length = length; }
  std::uint64_t length() const { return left_.length; }

  State state(const std::optional<FileLook>& at_path) const;
  /// For files that others may write to as well: their length says nothing.
  bool is_named_by(const std::optional<FileLook>& at_path) const { return at_path && at_path->same_file(left_); }

 private:
  FileLook left_;
};

/// "was deleted or renamed": what happened to it, for people.
std::string_view text(HeldFile::State state);

}  // namespace weir
