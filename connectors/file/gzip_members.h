#pragma once
/// A file of gzip members (RFC 1952, section 2.2), one for each group of lines: how they are written, and how a crash's
/// remains are found.
///
/// Members stand one behind the other and inflate to one text, so `zcat` reads the file and a group can be cut off
/// without touching the one before. Nothing in gzip says how long a member is; where the last whole one ends is found
/// by inflating the file once, from the front, with each member's CRC checked.
///
/// Thread: one. Cost: deflate at level 6 about 20 ns a byte; the walk about 3 ns an inflated byte. Memory:
/// gzip_footprint while packing, and about 180 KiB during the walk.
/// Ref: RFC 1952.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace weir::file {

/// zlib's window and tables (268 KiB), the output buffer (64 KiB), and the walk at open.
inline constexpr Bytes gzip_footprint = 544_KiB;

/// What so much text can become at most: stored blocks of 16 KiB, a header and a trailer.
constexpr Bytes packed_at_most(Bytes text) { return text + Bytes(text.count() / 1024) + 64_B; }

class GzipPacker {
 public:
  using Out = std::function<void(std::string_view)>;

  explicit GzipPacker(int level);
  GzipPacker(const GzipPacker&) = delete;
  GzipPacker& operator=(const GzipPacker&) = delete;
  ~GzipPacker();

  /// Forgets what was packed: the next piece begins a member.
  void begin();
  /// `out` gets the packed bytes in pieces of at most 64 KiB, each valid during the call.
  void pack(std::string_view piece, const Out& out);
  /// Ends the member; nothing, when nothing was packed.
  void finish(const Out& out);

 private:
  struct State;
  void run(int flush, const Out& out);
  std::unique_ptr<State> state_;
  bool begun_ = false;
};

/// Reads exactly that many bytes at that offset.
using ReadAt = std::function<Result<void>(std::span<char> to, std::uint64_t offset)>;

/// Where the last whole member of a file of `size` bytes ends: what stands behind it is the beginning of one, or the
/// zeros a power loss left, and may be cut. An error when it may not: the file is no gzip, or more members follow
/// behind one that is damaged.
Result<std::uint64_t> end_of_whole_members(std::uint64_t size, const ReadAt& read);

}  // namespace weir::file
