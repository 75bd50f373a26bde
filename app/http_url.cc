#include "http_url.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>

namespace weir::app {
namespace {

constexpr std::size_t longest_quote = 200;

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view what, std::string_view text, std::string_view path) {
  const auto wrong = [&](std::string_view why) {
    return failure(
        fmt::format("{} {} {}: write http://host:port/path", what, json_text(text.substr(0, longest_quote)), why));
  };
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) return wrong("does not begin with http:// or https://");
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; })) return wrong("holds a blank or worse");
  const auto rest = text.substr(tls ? 8 : 7);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  const auto authority = rest.substr(0, end);
  if (authority.empty()) return wrong("names no host");
  if (authority.find('@') != authority.npos || rest.find('#') != rest.npos)
    return wrong("holds credentials or a fragment, which are not sent");
  const auto colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  const auto host = authority.substr(0, has_port ? colon : authority.npos);
  const auto port = has_port ? authority.substr(colon + 1) : std::string_view(tls ? "443" : "80");
  const bool digits = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || port.empty() || port.size() > 5 || !digits) return wrong("has a wrong host or port");
  HttpUrl url{fmt::format("{}:{}", host, port), std::string(host), std::string(rest.substr(end)), tls};
  if (url.target.empty()) url.target = path;
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace weir::app
