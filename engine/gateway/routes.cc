#include "gateway/routes.h"

#include <algorithm>
#include <string>

#include "net/field_lines.h"

namespace weir::gateway {
namespace {

std::string_view host_of(std::string_view authority) {
  const auto end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  std::string_view host = authority.substr(0, authority.starts_with('[') && end != authority.npos ? end + 1 : end);
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

/// Part by part; a name in braces stands for any part that is not empty.
bool matches_template(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const std::string_view want = pattern.substr(0, pattern.find('/')), part = path.substr(0, path.find('/'));
    if (want.starts_with('{') ? part.empty() : want != part) return false;
    pattern.remove_prefix(want.size());
    path.remove_prefix(part.size());
  }
  return pattern.empty() && path.empty();
}

bool has_headers(const config::GatewayRoute& route, const net::Head& head) {
  return std::ranges::all_of(route.headers, [&](const auto& wanted) {
    const std::string_view said = head.header(wanted.first);
    return wanted.second == "*" ? !said.empty() : said == wanted.second;
  });
}

bool matches_path(const config::GatewayRoute& route, std::string_view path) {
  if (route.path.find('{') != route.path.npos) return matches_template(route.path, path);
  if (!route.matches_below()) return path == route.path;
  const std::string_view above = std::string_view(route.path).substr(0, route.path.size() - 3);
  return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

bool is_dot_segment(std::string_view segment) {
  std::string plain;
  for (std::size_t i = 0; i < segment.size(); ++i)
    if (net::same_word(segment.substr(i, 3), "%2e")) {
      plain += '.';
      i += 2;
    } else {
      plain += segment[i];
    }
  return plain == "." || plain == "..";
}

bool has_encoded(std::string_view path, std::string_view code) {
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 1))
    if (net::same_word(path.substr(at, 3), code)) return true;
  return false;
}

}  // namespace

bool is_plain_path(std::string_view path) {
  if (path == "*") return true;  // OPTIONS *
  if (!path.starts_with('/') || path.find_first_of("\\#") != path.npos) return false;
  if (!std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f; })) return false;
  for (const std::string_view code : {"%2f", "%5c", "%00"})
    if (has_encoded(path, code)) return false;
  for (std::string_view rest = path.substr(1);;) {
    const auto slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (is_dot_segment(segment) || (segment.empty() && slash != rest.npos)) return false;
    if (slash == rest.npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

Admitted<std::size_t> Routes::find(const net::Head& head) const {
  if (!is_plain_path(head.target)) return rejected(Reason::bad_request);
  const std::string_view host = host_of(head.authority);
  bool another_method = false;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const config::GatewayRoute& route = routes_[i];
    if (!matches_path(route, head.target)) continue;
    if (!route.host.empty() && !net::same_word(route.host, host)) continue;
    if (!has_headers(route, head)) continue;
    if (route.methods.empty() || std::ranges::find(route.methods, head.method) != route.methods.end()) return i;
    another_method = true;
  }
  return rejected(another_method ? Reason::method_not_allowed : Reason::not_found);
}

}  // namespace weir::gateway
