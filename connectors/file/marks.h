#pragma once
/// What stood just before the places up to which a file was read, so that a copy of it is known as one.
///
/// copytruncate copies a log and then empties it. Where the pattern of names matches the copy too, its lines have been
/// read already: it is the same text up to where reading was when the copy was made. The last few places are kept, each
/// with the hash of up to 1 KiB before it; a copy must agree with every one of them that it is long enough for.
///
/// Thread: values. Cost: `note` 1 us; `shared_with` a read of 1 KiB for each place. Memory: 200 bytes.
#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

#include "file_id.h"

namespace weir::file {

class Marks {
 public:
  static constexpr std::size_t most = 8;
  /// The file was read up to `end`; `text` is what was read last.
  void note(std::uint64_t end, std::string_view text);
  /// The same of a file that an earlier process had read so far. An errno: it was not seen.
  std::expected<void, int> note(const InputFile& file, std::uint64_t end);
  void clear() { used_ = 0; }
  /// Up to where `copy`, which is `size` long, has the same text; 0: it is no copy. An errno: it was not seen.
  std::expected<std::uint64_t, int> shared_with(const InputFile& copy, std::uint64_t size) const;

 private:
  struct Mark {
    std::uint64_t end = 0, hash = 0;
    std::uint32_t length = 0;
  };
  void add(const Mark& mark);
  std::array<Mark, most> marks_{};
  std::size_t used_ = 0;
};

}  // namespace weir::file
