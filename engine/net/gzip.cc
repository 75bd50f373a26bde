#include "net/gzip.h"

#include <weir/base/result.h>

#include <zlib.h>

#include <algorithm>
#include <array>

namespace weir::net {

struct GzipReader::State {
  z_stream zlib{};
  std::array<unsigned char, 16 << 10> out;
};

GzipReader::GzipReader() : state_(new State) {
  constexpr int gzip_only = 16 + MAX_WBITS;
  WEIR_CHECK(inflateInit2(&state_->zlib, gzip_only) == Z_OK);
}

GzipReader::~GzipReader() { inflateEnd(&state_->zlib); }

void GzipReader::feed(std::string_view input) {
  WEIR_CHECK(state_->zlib.avail_in == 0);
  state_->zlib.next_in =
      reinterpret_cast<unsigned char*>(const_cast<char*>(input.data()));  // zlib does not write there
  state_->zlib.avail_in = static_cast<unsigned>(input.size());
}

GzipReader::Status GzipReader::next(std::size_t most, std::string_view& out) {
  z_stream& z = state_->zlib;
  for (;;) {
    if (complete_) {
      if (z.avail_in == 0) return Status::need_input;
      complete_ = false;
      if (inflateReset(&z) != Z_OK) return Status::damaged;
    }
    const auto room = static_cast<unsigned>(std::min(most, state_->out.size()));
    z.next_out = state_->out.data();
    z.avail_out = room;
    const int result = inflate(&z, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Status::damaged;
    complete_ = result == Z_STREAM_END;
    out = {reinterpret_cast<const char*>(state_->out.data()), room - z.avail_out};
    if (!out.empty()) return Status::piece;
    if (!complete_ && z.avail_in == 0) return Status::need_input;
    if (result == Z_BUF_ERROR) return Status::damaged;
  }
}

}  // namespace weir::net
