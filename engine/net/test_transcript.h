#pragma once
// For tests and the fuzzer: what a connection would make of these bytes if they came in steps.
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "net/http_parser.h"

namespace weir::net {

/// "POST /a {body} | GET /b {} | need_more": each request, and how it ends. `step(i)` is the size of the i-th packet.
inline std::string transcript(std::string_view text, const std::function<std::size_t(std::size_t)>& step) {
  using Status = RequestParser::Status;
  RequestParser parser(Bytes(1024));
  std::string out, input;
  bool in_body = false;
  const auto ended = [](Status s) {
    return s == Status::bad_request ? "bad_request" : s == Status::need_more ? "need_more" : "header_too_large";
  };
  for (std::size_t i = 0;; ++i) {
    const auto n = std::min(text.size(), std::max<std::size_t>(step(i), 1));
    input.append(text.substr(0, n));
    text.remove_prefix(n);
    Status status = Status::done;
    std::string_view rest = input;
    while (status == Status::done) {
      if (!in_body) {
        status = rest.empty() ? Status::need_more : parser.parse_head(rest);
        if (status != Status::done) break;
        rest.remove_prefix(parser.head_size());
        out.append(parser.head().method).append(" ").append(parser.head().target).append(" {");
        in_body = true;
      }
      const auto piece = parser.parse_body(rest, 100);
      rest.remove_prefix(piece.consumed);
      out += piece.data;
      status = piece.status;
      if (status == Status::need_more && (!piece.data.empty() || parser.body_done())) status = Status::done;
      if (status == Status::done && parser.body_done()) {
        out += "} | ";
        parser.reset();
        in_body = false;
      }
    }
    if (status != Status::need_more || text.empty()) return out + ended(status);
    input.erase(0, input.size() - rest.size());
  }
}

inline std::string transcript(std::string_view text, std::size_t step) {
  return transcript(text, [step](std::size_t) { return step; });
}

}  // namespace weir::net
