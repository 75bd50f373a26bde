#include "observe/tap_api.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <charconv>
#include <optional>

#include "observe/redact.h"

namespace weir::observe {
namespace {

constexpr std::size_t most_events = 256;
constexpr std::size_t most_redactions = 64;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

struct Query {
  std::string edge;
  std::uint64_t after = 0, most = most_events, every = 1;
  std::vector<std::string> redact;
};

bool set_number(std::string_view value, std::uint64_t& out) {
  const auto result = std::from_chars(value.data(), value.data() + value.size(), out);
  return result.ec == std::errc{} && result.ptr == value.data() + value.size();
}

bool set(Query& query, std::string_view name, const std::string& value) {
  if (name == "edge") query.edge = value;
  if (name == "edge") return true;
  if (name == "after") return set_number(value, query.after);
  if (name == "most") return set_number(value, query.most);
  if (name == "every") return set_number(value, query.every);
  if (name != "redact") return false;
  for (std::size_t at = 0; at <= value.size() && query.redact.size() < most_redactions;) {
    const auto end = std::min(value.find(',', at), value.size());
    query.redact.push_back(value.substr(at, end - at));
    at = end + 1;
  }
  return true;
}

std::optional<Query> parsed(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    const auto value = pair.substr(std::min(equals + 1, pair.size()));
    if (!set(query, pair.substr(0, equals), percent_decoded(value))) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

net::Response refusal(int status, std::string_view error, const std::string& message) {
  return {.status = status, .body = fmt::format("{{\"error\":\"{}\",\"message\":{}}}\n", error, json_text(message))};
}

std::string page_text(const pipeline::Tap::Page& page, const Redaction& redaction) {
  std::string rows, bytes;
  for (const auto& seen : page.events) {
    const std::string shown = redaction.apply(seen.event);
    rows +=
        fmt::format("{}{{\"length\":{}{}}}", rows.empty() ? "" : ",", shown.size(), seen.cut ? ",\"cut\":true" : "");
    bytes += shown;
  }
  return fmt::format("{{\"next\":{},\"passed\":{},\"missed\":{},\"events\":[{}]}}\n", page.next, page.passed,
                     page.missed, rows) +
         bytes;
}

}  // namespace

net::Response tap_response(pipeline::TapBoard& taps, std::string_view text, TimePoint now) {
  auto query = parsed(text);
  if (!query)
    return refusal(400, "bad_request", "the parameters are edge, after, most, every (numbers) and redact (paths)");
  pipeline::Tap* tap = taps.find(query->edge);
  if (!tap) {
    std::string names;
    for (const auto& name : taps.names()) names += (names.empty() ? "" : ", ") + name;
    return refusal(404, "not_found", fmt::format("there is no such edge; there are: {}", names));
  }
  if (!taps.may_turn_on(*tap))
    return refusal(429, "too_many_taps",
                   fmt::format("{} others are looked at already; wait until one ends", pipeline::TapBoard::most_taps));
  const auto page = tap->read(query->after, std::min<std::uint64_t>(query->most, most_events), query->every, now);
  return {.content_type = "application/octet-stream", .body = page_text(page, Redaction(std::move(query->redact)))};
}

}  // namespace weir::observe
