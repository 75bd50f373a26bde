#include "gateway/cache_control.h"

#include <algorithm>

#include "net/field_lines.h"

namespace weir::gateway {
namespace {

constexpr Duration longest_lifetime = std::chrono::hours(24 * 365);

/// The end of a directive: the next comma outside of quotes. Quotes that do not close hide nothing.
std::size_t end_of(std::string_view list) {
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (quoted && list[i] == '\\')
      ++i;
    else if (list[i] == '"')
      quoted = !quoted;
    else if (list[i] == ',' && !quoted)
      return i;
  }
  return quoted ? std::min(list.find(','), list.size()) : list.size();
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.starts_with('"') && text.ends_with('"') ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::optional<Duration> delta_seconds(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) value = std::min<std::uint64_t>(value * 10 + static_cast<unsigned>(c - '0'), 1'000'000'000);
  return std::min<Duration>(std::chrono::seconds(value), longest_lifetime);
}

void CacheControl::read(std::string_view list) {
  while (!list.empty()) {
    const auto end = end_of(list);
    const std::string_view directive = net::trimmed(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    const auto equals = directive.find('=');
    const std::string_view name = net::trimmed(directive.substr(0, equals));
    const bool has_value = equals != directive.npos;
    const std::string_view value =
        has_value ? unquoted(net::trimmed(directive.substr(equals + 1))) : std::string_view();
    const auto is = [&](std::string_view other) { return net::same_word(name, other); };
    const auto time = [&](std::optional<Duration>& into) {
      const Duration said = delta_seconds(value).value_or(Duration{0});
      into = into ? std::min(*into, said) : said;
    };
    if (is("no-store"))
      no_store = true;
    else if (is("no-cache"))
      no_cache = true;  // with names of fields too: the whole is asked for again
    else if (is("private"))
      is_private = true;
    else if (is("public"))
      is_public = true;
    else if (is("must-revalidate"))
      must_revalidate = true;
    else if (is("proxy-revalidate"))
      proxy_revalidate = true;
    else if (is("only-if-cached"))
      only_if_cached = true;
    else if (is("max-age"))
      time(max_age);
    else if (is("s-maxage"))
      time(s_maxage);
    else if (is("min-fresh"))
      time(min_fresh);
    else if (is("stale-if-error"))
      time(stale_if_error);
    else if (is("max-stale"))
      max_stale = has_value ? delta_seconds(value).value_or(Duration{0}) : longest_lifetime;
  }
}

CacheControl CacheControl::of(std::string_view fields) {
  CacheControl out;
  while (const auto field = net::next_field(fields))
    if (net::same_word(field->name, "Cache-Control")) out.read(field->value);
  return out;
}

}  // namespace weir::gateway
