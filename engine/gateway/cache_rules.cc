#include "gateway/cache_rules.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "net/field_lines.h"

namespace weir::gateway {
namespace {

constexpr Duration oldest = std::chrono::hours(24 * 365);

/// Sun, 06 Nov 1994 08:49:37 GMT; other forms are obsolete, and count as none.
std::optional<WallTime> date(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!end || *end != '\0' || text.size() != 29) return std::nullopt;
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

std::string_view plain_tag(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

}  // namespace

std::string_view first_value(std::string_view fields, std::string_view name) {
  return net::Head{.fields = fields}.header(name);
}

bool may_use_cache(const net::Head& request) {
  if ((request.method != "GET" && request.method != "HEAD") || request.has_body()) return false;
  for (std::string_view rest = request.fields; !rest.empty();) {
    const auto field = net::next_field(rest);
    if (!field) return false;
    for (const std::string_view name : {"Range", "If-Range", "If-Match", "If-Unmodified-Since", "Upgrade"})
      if (net::same_word(field->name, name)) return false;
  }
  return !CacheControl::of(request.fields).no_store;
}

bool may_keep(const net::Head& request, int status, std::string_view answer) {
  constexpr std::array<int, 6> kept{200, 203, 301, 308, 404, 410};
  if (request.method != "GET" || std::ranges::find(kept, status) == kept.end()) return false;
  const auto control = CacheControl::of(answer);
  if (control.no_store || control.is_private) return false;
  if (joined(answer, "Set-Cookie") || joined(answer, "Content-Range")) return false;
  if (joined(request.fields, "Authorization") && !control.is_public && !control.s_maxage && !control.must_revalidate)
    return false;
  return !net::has_token(joined(answer, "Vary").value_or(""), "*");
}

Freshness freshness(std::string_view answer, WallTime now, Duration took) {
  const auto control = CacheControl::of(answer);
  const auto dated = date(first_value(answer, "Date"));
  Freshness out;
  const Duration said = delta_seconds(net::trimmed(first_value(answer, "Age"))).value_or(Duration{0});
  const Duration apparent = dated ? std::clamp<Duration>(now - *dated, Duration{0}, oldest) : Duration{0};
  out.age = std::max(apparent, said + took);
  if (control.s_maxage)
    out.lifetime = *control.s_maxage;
  else if (control.max_age)
    out.lifetime = *control.max_age;
  else if (const auto expires = date(first_value(answer, "Expires")))
    out.lifetime = std::clamp<Duration>(*expires - dated.value_or(now), Duration{0}, oldest);
  return out;
}

std::optional<std::string> joined(std::string_view fields, std::string_view name) {
  std::optional<std::string> out;
  while (const auto field = net::next_field(fields)) {
    if (!net::same_word(field->name, name)) continue;
    if (out) *out += ", ";
    out = out.value_or("") + std::string(field->value);
  }
  return out;
}

std::vector<std::string> varies_by(std::string_view answer) {
  std::vector<std::string> names;
  const std::string all = joined(answer, "Vary").value_or("");
  for (std::string_view list = all; !list.empty();) {
    std::string name(net::next_token(list));
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (!name.empty()) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

std::string variant_of(std::string_view request_fields, const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    const auto value = joined(request_fields, name);
    out += name + (value ? "=" + *value : std::string("!")) + "\n";  // no value holds a line feed
  }
  return out;
}

bool matches_tag(std::string_view list, std::string_view tag) {
  if (net::trimmed(list) == "*") return true;
  if (tag.empty()) return false;
  while (!list.empty()) {
    std::size_t end = 0;
    for (bool quoted = false; end < list.size() && (quoted || list[end] != ','); ++end) quoted ^= list[end] == '"';
    if (plain_tag(net::trimmed(list.substr(0, end))) == plain_tag(tag)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace weir::gateway
