#pragma once
/// Inflates a gzip body piece by piece (RFC 1952, concatenated members included). Exists only while such a body is
/// read: zlib wants its window whole, about 42 KiB with the output.
///
/// Thread: one owner. Cost: about 3 ns a decoded byte; the constructor allocates gzip_footprint.
#include <weir/base/units.h>

#include <memory>
#include <string_view>

namespace weir::net {

/// What one gzip body costs while it is read: zlib's window (32 KiB) and state (about 10 KiB), our output (16 KiB), and
/// allocation overhead. gzip_test.cc measures it.
inline constexpr Bytes gzip_footprint = 60_KiB;

class GzipReader {
 public:
  enum class Status : std::uint8_t { piece, need_input, damaged };

  GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader();

  /// More input; only when the last `next` said need_input. It must stay where it is until that is said again.
  void feed(std::string_view input);
  /// At most `most` decoded bytes, valid until the next call; need_input: everything fed is used up.
  Status next(std::size_t most, std::string_view& out);
  /// Whether the input may end here: after whole members only.
  bool complete() const { return complete_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool complete_ = false;
};

}  // namespace weir::net
