#include "sink_verdict.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <weir/base/json_text.h>

#include <algorithm>

#include "sink_pacing.h"

namespace weir::http {
namespace {

using Kind = Verdict::Kind;
constexpr std::size_t longest_quote = 200;

/// The beginning of the answer's body, on one line and without control characters.
std::string quoted(const net::HttpAnswer& answer) {
  const std::string_view body = answer.body;
  const auto text = body.substr(0, std::min(body.find('\n'), longest_quote));
  return text.empty() ? std::string() : ": " + json_text(text);
}

bool about_the_request(int status) {
  constexpr int statuses[] = {401, 402, 403, 404, 405, 406, 407, 408, 411, 415, 421, 425, 426, 431, 451};
  return std::ranges::find(statuses, status) != std::end(statuses);
}

std::string_view advice(int status) {
  if (status < 400 && status >= 300) return "redirects are not followed: write the final address as `url`";
  if (status == 401 || status == 403 || status == 407) return "check the credentials in `headers`";
  if (status == 404 || status == 405 || status == 421) return "check `url` and `method`";
  if (status == 415) return "check `format` and `compression`: it takes another one";
  if (status == 504) return "whether it took them is unknown";
  return "the events wait";
}

/// "lines":[{"line":3,"why":"..."}] or "elements":[{"element":3,...}]; "fate":"failed" without "paths": all of them.
void read_refusal(const net::HttpAnswer& answer, std::size_t events, Verdict& verdict) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS) return;
  std::string_view fate;
  verdict.all = root["fate"].get(fate) == simdjson::SUCCESS && fate == "failed" &&
                root["paths"].error() == simdjson::NO_SUCH_FIELD;
  for (const auto& [list, key] : {std::pair{"lines", "line"}, std::pair{"elements", "element"}}) {
    simdjson::dom::array rows;
    if (root[list].get(rows) != simdjson::SUCCESS) continue;
    for (const auto row : rows) {
      std::uint64_t number = 0;
      std::string_view why;
      if (row[key].get(number) != simdjson::SUCCESS || number < 1 || number > events) continue;
      (void)row["why"].get(why);
      verdict.lines.push_back({number, fmt::format("the other side: {}", json_text(why.substr(0, longest_quote)))});
    }
  }
  std::ranges::sort(verdict.lines, {}, &Verdict::Line::number);
  const auto doubles = std::ranges::unique(verdict.lines, {}, &Verdict::Line::number);
  verdict.lines.erase(doubles.begin(), doubles.end());
}

}  // namespace

Verdict judge(const net::HttpAnswer& answer, std::size_t events, const std::string& where, WallTime now) {
  Verdict verdict;
  const int status = answer.status;
  const auto limit = advertised(answer, now);
  if (limit) verdict.rest = rest(*limit);
  if (status / 100 == 2) return verdict;

  verdict.error = {Error::Kind::failed, fmt::format("{} answered {}{}", where, status, quoted(answer)), Duration{0}};
  const auto later = retry_after(answer, now);
  if (status == 429 || (status == 503 && later)) {
    verdict.kind = Kind::again;
    const auto wait = later.value_or(limit && limit->remaining < 1 ? limit->reset : Duration{0});
    // A refusal that names no time, or the present time, must not be answered by a request at once.
    verdict.error.retry_after = wait > Duration{0} ? wait : std::chrono::seconds(1);
    verdict.error.kind = Error::Kind::overloaded;
  } else if (status == 413) {
    verdict.kind = Kind::smaller;
  } else if (status / 100 == 4 && !about_the_request(status)) {
    verdict.kind = Kind::rejected;
    read_refusal(answer, events, verdict);
  } else {
    verdict.kind = Kind::again;
    verdict.error.message += fmt::format("; {}", advice(status));
  }
  return verdict;
}

}  // namespace weir::http
