#pragma once
/// What stood just before the places up to which a file was read, so that a place still means the same bytes later:
/// after a hole was made at the file's beginning it does, after the file was emptied and has grown again it does not.
///
/// A hole ends at the end of a block. The tail of a place is therefore what stands between the last multiple of 512
/// before it and the place itself: a hole leaves all of it or nothing. Where nothing of it is left, all in front of the
/// place is a hole, and reading from the start steps over it.
///
/// Thread: values. Cost: `note` 0.5 us, and a read of at most 512 bytes when the text is shorter than the tail. Memory:
/// 16 bytes for each place that is not settled yet, at most `most`; of more, only the newest is known.
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "file_id.h"

namespace weir::file {

class Tails {
 public:
  static constexpr std::size_t most = 128;
  static constexpr std::uint64_t block = 512;
  static constexpr std::uint64_t unknown = 0;
  /// The hash of the tail of `end`. An errno: it was not seen.
  static std::expected<std::uint64_t, int> look(const InputFile& file, std::uint64_t end);
  /// The file was read up to `end`; `text` is what was read last. What cannot be read stays unknown.
  void note(const InputFile& file, std::uint64_t end, std::string_view text = {});
  void forget_before(std::uint64_t settled);
  void clear() { tails_.clear(); }
  std::uint64_t of(std::uint64_t end) const;
  /// Whether the newest tail still stands where it stood; there is none: false. An errno: it was not seen.
  std::expected<bool, int> newest_stands_in(const InputFile& file) const;

 private:
  struct Tail {
    std::uint64_t end = 0, hash = unknown;
  };
  std::vector<Tail> tails_;  // in order
};

}  // namespace weir::file
