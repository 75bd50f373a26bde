/// What an upstream answers, under arbitrary bytes in arbitrary packets. It must never crash; where packets end must
/// never change what is made of it; and what the gateway passes on of a head is whole lines that frame nothing,
/// whatever the upstream has written into them.
///
/// The first byte says how many of the following are packet sizes (1 to 16, used in turn), and its highest bit that the
/// request was HEAD; the rest is the answer.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <weir/base/result.h>
#include "gateway/fields.h"
#include "net/answer_parser.h"
#include "net/field_lines.h"

namespace {

using weir::net::AnswerParser;

void check_fields(const weir::net::AnswerHead& head) {
  const std::string fields = weir::gateway::answer_fields(head);
  for (std::string_view rest = fields; !rest.empty();) {
    const auto field = weir::net::next_field(rest);
    WEIR_CHECK(field);
    for (const char* framing : {"Content-Length", "Transfer-Encoding", "Connection", "Upgrade"})
      WEIR_CHECK(!weir::net::same_word(field->name, framing));
  }
}

/// The heads, the body, the trailers, and how it ends.
std::string transcript(std::string_view text, bool to_head, const std::function<std::size_t(std::size_t)>& step) {
  using Status = AnswerParser::Status;
  AnswerParser parser(weir::Bytes(1024));
  parser.reset(to_head);
  std::string out, input;
  bool in_body = false;
  const auto ended = [&](const char* how) { return out + how + std::string(parser.trailers()); };
  for (std::size_t i = 0;; ++i) {
    const auto n = std::min(text.size(), std::max<std::size_t>(step(i), 1));
    input.append(text.substr(0, n));
    text.remove_prefix(n);
    std::string_view rest = input;
    while (!in_body && !rest.empty()) {
      const auto status = parser.parse_head(rest);
      if (status == Status::damaged) return ended("damaged");
      if (status == Status::need_more) break;
      check_fields(parser.head());
      out += std::to_string(parser.head().status) + " ";
      in_body = !parser.head().is_interim();
      rest.remove_prefix(parser.head_size());
    }
    while (in_body) {
      const auto piece = parser.parse_body(rest, 100);
      rest.remove_prefix(piece.consumed);
      out += piece.data;
      if (piece.status == Status::damaged) return ended("damaged");
      if (piece.status == Status::done) return ended("done");
      if (piece.data.empty()) break;
    }
    if (text.empty()) return ended(in_body && parser.end_of_input() ? "done" : "cut off");
    input.erase(0, input.size() - rest.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t packets = 1 + data[0] % 16;
  if (size < 1 + packets) return 0;
  const std::uint8_t* sizes = data + 1;
  const std::string_view text(reinterpret_cast<const char*>(sizes + packets), size - 1 - packets);
  const bool to_head = data[0] & 0x80;
  const auto whole = transcript(text, to_head, [&](std::size_t) { return text.size() + 1; });
  WEIR_CHECK(whole == transcript(text, to_head, [&](std::size_t i) { return std::size_t{sizes[i % packets]}; }));
  return 0;
}
