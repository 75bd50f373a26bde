#include "gzip_members.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <vector>

namespace weir::file {
namespace {

constexpr int gzip_window = 16 + MAX_WBITS;
constexpr int memory_level = 8;
constexpr std::size_t buffer_size = 64 << 10;
// How each member begins that GzipPacker writes: deflate, no name, no time.
constexpr std::string_view member_start("\x1f\x8b\x08\0\0\0\0\0", 8);

unsigned char* bytes_of(const char* text) { return reinterpret_cast<unsigned char*>(const_cast<char*>(text)); }

class Walk {
 public:
  Walk(std::uint64_t size, const ReadAt& read) : size_(size), read_(read), in_(buffer_size), out_(buffer_size) {
    WEIR_CHECK(inflateInit2(&zlib_, gzip_window) == Z_OK);
  }
  Walk(const Walk&) = delete;
  ~Walk() { inflateEnd(&zlib_); }

  Result<std::uint64_t> end() {
    while (at_ < size_ && !damaged_)
      if (auto done = chunk(); !done) return std::unexpected(done.error());
    if (whole_ < size_)
      if (auto ours = may_be_cut(); !ours) return std::unexpected(ours.error());
    return whole_;
  }

 private:
  Result<void> chunk() {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(in_.size(), size_ - at_));
    if (auto got = read_(std::span(in_.data(), n), at_); !got) return got;
    at_ += n;
    zlib_.next_in = bytes_of(in_.data());
    zlib_.avail_in = static_cast<unsigned>(n);
    do {
      zlib_.next_out = bytes_of(out_.data());
      zlib_.avail_out = static_cast<unsigned>(out_.size());
      const int result = inflate(&zlib_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        whole_ = at_ - zlib_.avail_in;
        inflateReset(&zlib_);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        damaged_ = true;
      }
      // A full output may mean that zlib holds more, even when it has taken all of the input.
    } while (!damaged_ && (zlib_.avail_in > 0 || zlib_.avail_out == 0));
    return {};
  }

  /// Reads what stands behind the last whole member. Chunks overlap, so that a start is seen wherever it lies.
  Result<void> may_be_cut() {
    bool zeros = true, ours = false;
    for (std::uint64_t at = whole_; at < size_;) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(in_.size(), size_ - at));
      if (auto got = read_(std::span(in_.data(), n), at); !got) return got;
      const std::string_view text(in_.data(), n);
      if (at == whole_) ours = text.starts_with(member_start.substr(0, std::min(n, member_start.size())));
      zeros = zeros && text.find_first_not_of('\0') == text.npos;
      if (damaged_ && text.find(member_start, at == whole_ ? 1 : 0) != text.npos)
        return failure(
            fmt::format("it is damaged at byte {} and more follows: move it away, a new one is begun", whole_));
      if (n == size_ - at) break;
      at += n - (member_start.size() - 1);
    }
    if (ours || zeros) return {};
    return failure(whole_ == 0
                       ? std::string("it is not gzip: choose another path, or compression: none")
                       : fmt::format("what stands at byte {} is not gzip: move it away, a new one is begun", whole_));
  }

  const std::uint64_t size_;
  const ReadAt& read_;
  std::vector<char> in_, out_;
  z_stream zlib_{};
  std::uint64_t at_ = 0, whole_ = 0;
  bool damaged_ = false;
};

}  // namespace

struct GzipPacker::State {
  z_stream zlib{};
  std::array<char, buffer_size> out;
};

GzipPacker::GzipPacker(int level) : state_(new State) {
  WEIR_CHECK(deflateInit2(&state_->zlib, level, Z_DEFLATED, gzip_window, memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
}

GzipPacker::~GzipPacker() { deflateEnd(&state_->zlib); }

void GzipPacker::begin() {
  z_stream& z = state_->zlib;
  WEIR_CHECK(deflateReset(&z) == Z_OK);
  z.next_out = bytes_of(state_->out.data());
  z.avail_out = buffer_size;
  begun_ = false;
}

void GzipPacker::pack(std::string_view piece, const Out& out) {
  if (piece.empty()) return;
  begun_ = true;
  state_->zlib.next_in = bytes_of(piece.data());
  state_->zlib.avail_in = static_cast<unsigned>(piece.size());  // a block is smaller than 4 GiB
  run(Z_NO_FLUSH, out);
}

void GzipPacker::finish(const Out& out) {
  if (begun_) run(Z_FINISH, out);
  begun_ = false;
}

void GzipPacker::run(int flush, const Out& out) {
  z_stream& z = state_->zlib;
  for (;;) {
    const int result = deflate(&z, flush);
    WEIR_CHECK(result != Z_STREAM_ERROR);
    const bool over = flush == Z_FINISH ? result == Z_STREAM_END : z.avail_in == 0 && z.avail_out > 0;
    if (z.avail_out == 0 || (over && flush == Z_FINISH)) {
      out({state_->out.data(), buffer_size - z.avail_out});
      z.next_out = bytes_of(state_->out.data());
      z.avail_out = buffer_size;
    }
    if (over) return;
  }
}

Result<std::uint64_t> end_of_whole_members(std::uint64_t size, const ReadAt& read) { return Walk(size, read).end(); }

}  // namespace weir::file
