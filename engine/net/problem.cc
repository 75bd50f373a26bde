#include "net/problem.h"

#include <weir/base/json_text.h>

#include <fmt/format.h>

#include <vector>

namespace weir::net {

std::uint64_t whole_seconds(Duration d) {
  if (d <= Duration{0}) return 0;
  return static_cast<std::uint64_t>((d.count() - 1) / 1'000'000'000 + 1);
}

namespace {

/// What is the same in all answers of one reason: of an overload most answers are refusals.
struct Frame {
  explicit Frame(const ReasonInfo& row)
      : begin(fmt::format(R"({{"error":"{}","status":{},"message":)", row.key, row.http_status)),
        message(json_text(row.summary)),
        end(fmt::format(R"(,"advice":{}}})", json_text(row.advice)) + "\n") {}
  std::string begin, message, end;
};

const Frame& frame_of(Reason reason) {
  static const std::vector<Frame> all(all_reasons().begin(), all_reasons().end());
  return all[static_cast<std::size_t>(reason)];
}

}  // namespace

std::string problem_body(const Rejection& rejection, std::string_view sentence) {
  const Frame& frame = frame_of(rejection.reason);
  std::string out;
  out.reserve(frame.begin.size() + frame.message.size() + sentence.size() + frame.end.size() + 48);
  out += frame.begin;
  out += sentence.empty() ? frame.message : json_text(fmt::format("{}: {}", info(rejection.reason).summary, sentence));
  if (rejection.retry_after > Duration{0})
    out.append(R"(,"retry_after":)").append(fmt::format_int(whole_seconds(rejection.retry_after)).c_str());
  out += frame.end;
  return out;
}

}  // namespace weir::net
