#include "config/hide.h"

#include <weir/base/secret_names.h>

#include <algorithm>
#include <cctype>

namespace weir::config {
namespace {

constexpr std::string_view hidden = "<secret>";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; }

bool is_number(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); });
}

/// Between the first colon of "user:password@" and its '@'. A password may hold an unescaped '@' of its own: the last
/// one before the path ends it. What comes after a colon and is no port is a password too, with a '/' of its own.
std::string hide_userinfo(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == text.npos) return std::string(text);
  const auto begin = scheme + 3;
  const auto authority = text.substr(begin, text.find_first_of("/?#", begin) - begin);
  const auto colon = authority.find(':');
  auto at = authority.rfind('@');
  if (at == text.npos && colon != text.npos && !is_number(authority.substr(colon + 1)))
    at = text.substr(begin).rfind('@');
  if (at == text.npos || colon > at) return std::string(text);
  return std::string(text.substr(0, begin + colon + 1)).append(hidden).append(text.substr(begin + at));
}

/// What ends the value that begins here: a quote of its own, or what separates settings.
std::size_t value_end(std::string_view text, std::size_t begin) {
  if (begin < text.size() && text[begin] == '\'') {
    for (auto i = begin + 1; i < text.size(); ++i) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '\'')
        return i + 1;
    }
    return text.size();
  }
  return std::min(text.find_first_of(" &;", begin), text.size());
}

}  // namespace

bool names_secret(std::string_view name) {
  std::string words(name);
  std::ranges::transform(words, words.begin(),
                         [](unsigned char c) { return c == '-' || c == '.' ? '_' : std::tolower(c); });
  return std::ranges::any_of(secret_names, [&](auto word) { return words.ends_with(word); });
}

std::string hide_passwords(std::string_view text) {
  const std::string all = hide_userinfo(text);
  std::string out;
  std::size_t done = 0;
  for (auto equals = all.find('='); equals != all.npos; equals = all.find('=', std::max(equals + 1, done))) {
    auto name_end = equals;
    while (name_end > done && all[name_end - 1] == ' ') --name_end;
    auto name = name_end;
    while (name > done && is_word(all[name - 1])) --name;
    if (!names_secret(std::string_view(all).substr(name, name_end - name))) continue;
    const auto value = std::min(all.find_first_not_of(' ', equals + 1), all.size());
    out.append(all, done, value - done).append(hidden);
    done = value_end(all, value);
  }
  return out.append(all, std::min(done, all.size()));
}

}  // namespace weir::config
