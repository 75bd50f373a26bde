#include "sink_body.h"

#include <simdjson.h>
#include <weir/base/result.h>
#include <zlib.h>

namespace weir::http {
namespace {

constexpr int fastest = 1;
constexpr int gzip_header = 16 + MAX_WBITS;
constexpr int memory_level = 8;
constexpr Bytes zlib_memory = 272_KiB;  // (1 << (15 + 2)) + (1 << (8 + 9)), and its state

/// More than deflateBound says for stored blocks, with the header and trailer of gzip.
std::size_t packed_size(std::size_t plain) { return plain + plain / 1000 + 128; }

}  // namespace

struct BodyWriter::Deflate {
  Deflate() {
    WEIR_CHECK(deflateInit2(&zlib, fastest, Z_DEFLATED, gzip_header, memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  Deflate(const Deflate&) = delete;
  ~Deflate() { deflateEnd(&zlib); }
  z_stream zlib{};
};

Bytes body_footprint(const BodyFormat& format) {
  return format.gzip ? format.most + Bytes(packed_size(format.most.count())) + zlib_memory : format.most;
}

BodyWriter::BodyWriter(BodyFormat format) : format_(format) {
  text_.reserve(format_.most.count() + simdjson::SIMDJSON_PADDING);
  if (!format_.gzip) return;
  deflate_ = std::make_unique<Deflate>();
  packed_.resize(packed_size(format_.most.count()));
}

BodyWriter::~BodyWriter() = default;

void BodyWriter::begin() { text_.assign(format_.array ? "[" : ""); }

std::string_view BodyWriter::add(std::string_view event) {
  if (!format_.array && event.find('\n') != event.npos) return add_joined(event);
  if (format_.array && text_.size() > 1) text_ += ',';
  text_ += event;
  if (!format_.array) text_ += '\n';
  return {};
}

// Between the tokens of JSON a line feed has no meaning; anywhere else its removal would change the event.
std::string_view BodyWriter::add_joined(std::string_view event) {
  constexpr std::string_view why = "it holds a line feed and is not JSON, so it cannot be one line";
  const auto first = event.find_first_not_of(" \t\r\n");
  if (first == event.npos || (event[first] != '{' && event[first] != '[')) return why;
  const auto before = text_.size();
  text_.resize(before + event.size() + simdjson::SIMDJSON_PADDING);
  std::size_t length = 0;
  const auto error = simdjson::minify(event.data(), event.size(), text_.data() + before, length);
  text_.resize(before + length);
  if (error == simdjson::SUCCESS && text_.find('\n', before) == text_.npos) {
    text_ += '\n';
    return {};
  }
  text_.resize(before);
  return why;
}

std::string_view BodyWriter::finish() {
  if (format_.array) text_ += ']';
  if (!format_.gzip) return text_;
  z_stream& z = deflate_->zlib;
  WEIR_CHECK(deflateReset(&z) == Z_OK);
  z.next_in = reinterpret_cast<unsigned char*>(text_.data());
  z.avail_in = static_cast<unsigned>(text_.size());
  z.next_out = reinterpret_cast<unsigned char*>(packed_.data());
  z.avail_out = static_cast<unsigned>(packed_.size());
  WEIR_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  return std::string_view(packed_).substr(0, packed_.size() - z.avail_out);
}

}  // namespace weir::http
