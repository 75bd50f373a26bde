#pragma once
/// Bytes in, one whole answer out: what AnswerParser reads, kept. Without sockets or time.
///
/// The server is not trusted: its head is at most `max_head`, interim answers (1xx) at most eight, and of its body
/// `max_body` are kept; one that is larger ends there (`truncated`), and its connection is not used again. How a body
/// is framed, and what is damaged, says answer_parser.h.
///
/// Thread: one owner. Cost: one copy of the body.
#include <weir/base/units.h>

#include <string>
#include <string_view>

#include "net/answer_parser.h"

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
  using Status = AnswerParser::Status;
  ReplyReader(Bytes max_head, Bytes max_body) : parser_(max_head), max_body_(max_body.count()) { parser_.reset(false); }

  Status feed(std::string_view bytes);
  /// To be called when the server closed: done when its answer ends so, damaged when something is missing.
  Status end();
  bool begun() const { return begun_; }
  /// After done: whether the connection may carry another request.
  bool may_reuse() const { return keep_alive_ && input_.empty(); }
  HttpAnswer take() { return std::move(answer_); }

 private:
  Status read_head();
  Status read_body();

  AnswerParser parser_;
  std::size_t max_body_;
  HttpAnswer answer_;
  std::string input_;  // not yet understood: at most one head, or one read
  int interim_ = 0;
  bool begun_ = false, in_body_ = false, over_ = false, keep_alive_ = false;
};

}  // namespace weir::net
