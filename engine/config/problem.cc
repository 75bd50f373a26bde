#include "config/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::config {
namespace {

constexpr std::size_t longest_word = 64;  // names and keys are not longer; bounds the distance table

std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, longest_word + 1>, longest_word + 1> d;
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string to_text(const SourceLocation& location) {
  return location.line > 0 ? fmt::format("{}:{}:{}", location.file, location.line, location.column) : location.file;
}

std::string Problem::text() const {
  std::string out;
  if (!location.file.empty()) out += to_text(location) + ": ";
  if (!path.empty()) out += path + ": ";
  if (warning) out += "warning: ";
  out += message;
  if (!suggestion.empty()) out += (suggestion.back() == '?' ? "; " : ": ") + suggestion;
  return out;
}

std::string quote(std::string_view text) {
  constexpr std::size_t most = 60;
  std::string out = "'";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (text.size() > most) {
    while (out.size() > 1 && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (out.size() > 1 && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
    out += "...";
  }
  return out + "'";
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > longest_word) return {};
  std::size_t best = longest_word;
  std::string_view nearest;
  for (const std::string& candidate : known) {
    if (candidate.size() > longest_word) continue;
    const std::size_t d = distance(word, candidate);
    const std::size_t near = (std::max(word.size(), candidate.size()) + 2) / 3;
    if (d < best && d <= near && d < candidate.size()) {
      best = d;
      nearest = candidate;
    }
  }
  return nearest.empty() ? std::string() : fmt::format("did you mean {}?", nearest);
}

std::string join(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? last : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace weir::config
