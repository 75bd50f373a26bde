#pragma once
/// Bytes in, one answer out: the client's half of HTTP/1.1, without sockets or time.
///
/// The server is not trusted: its head is at most `max_head`, interim answers (1xx) at most eight, and of its body
/// `max_body` are kept; one that is larger ends there (`truncated`), and its connection is not used again. A body is
/// framed by chunks, by Content-Length, or by the end of the connection, in this order; 204 and 304 have none.
///
/// Thread: one owner. Cost: one copy of the body. Ref: RFC 9112 sections 4, 6 and 7.
#include <weir/base/units.h>

#include <optional>
#include <string>
#include <string_view>

namespace weir::net {

struct HttpAnswer {
  int status = 0;
  std::string fields{};  ///< all header lines as sent, each ended by CR LF
  std::string body{};
  bool truncated = false;  ///< `body` is only the beginning
  /// The first field of this name, whatever its case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

class ReplyReader {
 public:
  enum class Status : std::uint8_t { need_more, done, damaged };
  ReplyReader(Bytes max_head, Bytes max_body) : max_head_(max_head.count()), max_body_(max_body.count()) {}

  Status feed(std::string_view bytes);
  /// To be called when the server closed: done when its answer ends so, damaged when something is missing.
  Status end();
  bool begun() const { return begun_; }
  /// After done: whether the connection may carry another request.
  bool may_reuse() const { return keep_alive_ && input_.empty(); }
  HttpAnswer take() { return std::move(answer_); }

 private:
  enum class Part : std::uint8_t { head, length, chunk_size, chunk, chunk_end, trailer, to_the_end, complete };
  Status advance();
  Status head();
  bool frame();
  Status chunk_size();
  Status trailer();
  Status body();
  std::optional<std::string_view> line();
  Status complete();

  std::size_t max_head_, max_body_;
  Part part_ = Part::head;
  HttpAnswer answer_;
  std::string input_;       // not yet understood: at most one head, or one read
  std::uint64_t left_ = 0;  // of the body or the chunk
  std::size_t trailers_ = 0;
  int interim_ = 0;
  bool begun_ = false, keep_alive_ = false;
};

}  // namespace weir::net
