#pragma once
/// The body of one request: events as NDJSON or as a JSON array, plain or gzip.
///
/// Thread: one owner. Cost: a copy of each event; gzip (level 1) about 10 ns a byte. Bound: `most` bytes before
/// compression; the buffers are allocated once. Ref: RFC 1952.
#include <weir/base/units.h>

#include <memory>
#include <string>
#include <string_view>

namespace weir::http {

struct BodyFormat {
  bool array = false, gzip = false;
  Bytes most = 1_MiB;
};

/// What one such body needs.
Bytes body_footprint(const BodyFormat& format);

class BodyWriter {
 public:
  explicit BodyWriter(BodyFormat format);
  ~BodyWriter();

  void begin();
  bool fits(std::string_view event) const { return text_.size() + event.size() + 2 <= format_.most.count(); }
  /// Empty, or why the event cannot be part of it. Only after `fits`.
  std::string_view add(std::string_view event);
  std::size_t size() const { return text_.size(); }
  /// The whole body; valid until begin().
  std::string_view finish();

 private:
  struct Deflate;
  std::string_view add_joined(std::string_view event);

  const BodyFormat format_;
  std::string text_, packed_;
  std::unique_ptr<Deflate> deflate_;
};

}  // namespace weir::http
