#include "replay_target.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::app {
namespace {

using Kind = ReplayAnswer::Kind;
constexpr std::size_t longest_quote = 200;
constexpr std::uint64_t most_seconds = 3600;

Duration retry_after(const net::HttpAnswer& answer) {
  const auto text = answer.header("Retry-After");
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end == text.data()) return Duration{0};
  return std::chrono::seconds(std::min(n, most_seconds));
}

bool about_the_request(int status) {
  constexpr std::array statuses{401, 402, 403, 404, 405, 406, 407, 411, 415, 421, 426, 431, 451};
  return status / 100 == 3 || std::ranges::find(statuses, status) != statuses.end();
}

std::string said(const simdjson::dom::element& json, const net::HttpAnswer& answer) {
  std::string_view message;
  if (!json["message"].get(message)) return std::string(message.substr(0, longest_quote));
  const std::string_view body = answer.body;
  return std::string(body.substr(0, std::min(body.find('\n'), longest_quote)));
}

void read_fates(const simdjson::dom::element& json, std::uint64_t events, ReplayAnswer& result) {
  simdjson::dom::object paths;
  std::string_view fate;
  if (!json["paths"].get(paths)) {
    for (const auto [name, count] : paths)
      if (std::uint64_t n = 0; !count.get(n)) result.fates[std::string(name)] += n;
  } else if (!json["fate"].get(fate)) {
    result.fates[std::string(fate)] += events;
  }
}

void read_lines(const simdjson::dom::element& json, std::uint64_t events, ReplayAnswer& result) {
  simdjson::dom::array rows;
  if (json["lines"].get(rows)) return;
  for (const auto row : rows) {
    std::uint64_t number = 0;
    std::string_view why;
    if (row["line"].get(number) || number < 1 || number > events) continue;
    (void)row["why"].get(why);
    result.lines[number] = why.substr(0, longest_quote);
  }
}

}  // namespace

Result<HttpUrl> parse_replay_url(std::string_view text) { return parse_http_url("--to", text, "/events"); }

ReplayAnswer judge_replay(const net::HttpAnswer& answer, std::uint64_t events) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  ReplayAnswer result;
  const bool is_json = !parser.parse(simdjson::padded_string(answer.body)).get(json);
  if (!is_json) (void)parser.parse(simdjson::padded_string(std::string_view("{}"))).get(json);
  if (answer.status / 100 == 2) {
    read_fates(json, events, result);
    return result;
  }
  result.why = fmt::format("answered {}: {}", answer.status, said(json, answer));
  if (about_the_request(answer.status)) {
    result.kind = Kind::stop;
  } else if (answer.status / 100 == 4 && answer.status != 429 && answer.status != 408 && answer.status != 425) {
    result.kind = Kind::refused;
    read_lines(json, events, result);
    std::string_view fate;
    result.all = !json["fate"].get(fate) && fate == "failed" && json["paths"].error() == simdjson::NO_SUCH_FIELD;
  } else {
    result.kind = Kind::again;
    result.retry_after = retry_after(answer);
  }
  return result;
}

}  // namespace weir::app
