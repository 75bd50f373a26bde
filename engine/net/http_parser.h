#pragma once
/// Bytes in, requests out: no sockets, no time. Beast's parser does the work and is hidden in one .cc, because it costs
/// every file that sees it six seconds of compiler time.
///
/// A head is looked for line by line and given to Beast whole. So where a packet boundary falls can never change the
/// result, the limit counts the whole head, and what is no HTTP/1 at all (TLS, HTTP/2, HTTP/0.9) is known at its first
/// line instead of at the header timeout. Refused beyond what Beast refuses, because proxies disagree about them and
/// requests are smuggled in between: line folding (obs-fold), a bare LF, a Transfer-Encoding other than "chunked", any
/// Transfer-Encoding in HTTP/1.0, a Host that is no host or comes twice, and none in HTTP/1.1.
///
/// Thread: one owner. Cost: about 300 ns for a head of eight lines. Ref: RFC 9112 sections 2.2, 5.2, 6 and 7.
#include <weir/base/units.h>

#include "net/http.h"

#include <memory>

namespace weir::net {

class RequestParser {
 public:
  enum class Status : std::uint8_t { need_more, done, bad_request, header_too_large };

  explicit RequestParser(Bytes max_header);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  /// Looks for a head at the front of `bytes`. Until it is done, each call gets the same bytes and what came since. The
  /// views in `head()` point into the `bytes` of the call that said done.
  Status parse_head(std::string_view bytes);
  const Head& head() const { return head_; }
  std::size_t head_size() const { return head_size_; }

  struct BodyChunk {
    Status status = Status::need_more;  ///< done: the body has ended, and `data` is empty
    std::size_t consumed = 0;           ///< take so many bytes off the front, whatever the status
    std::string_view data{};            ///< body bytes inside the input: at most `most`
  };
  /// The next piece of the body at the front of `bytes`, chunk framing removed.
  BodyChunk parse_body(std::string_view bytes, std::size_t most);
  bool body_done() const { return body_done_; }
  /// The fields behind a body in chunks that has ended, whole lines; those that may not stand there make it damaged.
  std::string_view trailers() const;
  /// What is missing of a body with a Content-Length.
  std::uint64_t body_left() const { return left_; }

  /// Ready for the next head.
  void reset();

 private:
  struct Beast;
  Status scan(std::string_view bytes);
  Status parse_complete(std::string_view text);
  BodyChunk parse_chunked(std::string_view bytes, std::size_t most);

  std::unique_ptr<Beast> beast_;
  std::size_t max_header_;
  std::size_t line_ = 0;     // where the first line not yet seen complete begins
  std::size_t skipped_ = 0;  // an empty line before the request
  std::size_t head_size_ = 0;
  std::uint64_t left_ = 0;
  bool body_done_ = false;
  Head head_;
};

}  // namespace weir::net
