#include "net/http_reply.h"

#include "net/http.h"

namespace weir::net {
namespace {

constexpr int most_interim = 8;

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
  Head head;
  head.fields = fields;
  return head.header(name);
}

ReplyReader::Status ReplyReader::feed(std::string_view bytes) {
  begun_ = begun_ || !bytes.empty();
  input_ += bytes;
  if (!in_body_)
    if (const Status status = read_head(); status != Status::done) return status;
  return read_body();
}

ReplyReader::Status ReplyReader::end() {
  keep_alive_ = false;
  over_ = over_ || (in_body_ && parser_.end_of_input());
  return over_ ? Status::done : Status::damaged;
}

ReplyReader::Status ReplyReader::read_head() {
  for (;;) {
    if (const Status status = parser_.parse_head(input_); status != Status::done) return status;
    const AnswerHead& head = parser_.head();
    if (!head.is_interim()) break;
    // 101: the server would speak another protocol from here on, which nobody has asked for.
    if (head.status == 101 || ++interim_ > most_interim) return Status::damaged;
    input_.erase(0, parser_.head_size());
  }
  answer_.status = parser_.head().status;
  answer_.fields = parser_.head().fields;
  keep_alive_ = parser_.head().keep_alive;
  in_body_ = true;
  input_.erase(0, parser_.head_size());
  return Status::done;
}

ReplyReader::Status ReplyReader::read_body() {
  while (!over_) {
    const auto piece = parser_.parse_body(input_, input_.size());
    if (piece.status == Status::damaged) return Status::damaged;
    const auto room = max_body_ - answer_.body.size();
    answer_.body.append(piece.data.substr(0, room));
    if (piece.data.size() > room) {
      answer_.truncated = true;
      keep_alive_ = false;
    }
    const bool waits = piece.status == Status::need_more && piece.data.empty();
    over_ = piece.status == Status::done || answer_.truncated;
    input_.erase(0, piece.consumed);
    if (waits) return Status::need_more;
  }
  return Status::done;
}

}  // namespace weir::net
