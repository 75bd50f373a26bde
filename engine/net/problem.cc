#include "net/problem.h"

#include <weir/base/json_text.h>

#include <fmt/format.h>

#include <iterator>

namespace weir::net {
std::uint64_t whole_seconds(Duration d) {
  if (d <= Duration{0}) return 0;
  return static_cast<std::uint64_t>((d.count() - 1) / 1'000'000'000 + 1);
}

std::string problem_body(const Rejection& rejection, std::string_view sentence) {
  const ReasonInfo& row = info(rejection.reason);
  std::string message(row.summary);
  if (!sentence.empty()) fmt::format_to(std::back_inserter(message), ": {}", sentence);
  std::string out = fmt::format(R"({{"error":"{}","status":{},"message":)", row.key, row.http_status);
  out += json_text(message);
  if (rejection.retry_after > Duration{0})
    fmt::format_to(std::back_inserter(out), R"(,"retry_after":{})", whole_seconds(rejection.retry_after));
  out += R"(,"advice":)";
  out += json_text(row.advice);
  out += "}\n";
  return out;
}

}  // namespace weir::net
