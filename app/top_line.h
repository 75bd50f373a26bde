#pragma once
/// One line of a screen: text in tones, ended with "…" behind a whole word where the screen is too narrow. Text must be
/// fit for a terminal already.
///
/// Thread: a value. Cost: a copy.
#include <weir/base/json_text.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

class Line {
 public:
  enum class Tone : std::uint8_t { plain, strong, dim, good, warn, bad };
  Line(int columns, bool color) : left_(columns), color_(color) {}

  Line& add(std::string_view text, Tone tone = Tone::plain) {
    const bool cut = length(text) > left_;
    if (cut) text = whole_words(text, left_ - 1);
    const bool toned = color_ && tone != Tone::plain && !text.empty();
    if (toned) text_ += escapes[static_cast<std::size_t>(tone)];
    text_ += text;
    if (toned) text_ += "\033[0m";
    if (cut && left_ > 0) text_ += "…";
    left_ = cut ? 0 : left_ - length(text);
    return *this;
  }
  Line& left(std::string_view text, int width, Tone tone = Tone::plain) {
    const int n = length(text);
    if (n < width) return add(text, tone).add(std::string(static_cast<std::size_t>(width - n), ' '));
    if (n == width) return add(first(text, width - 1), tone).add(" ");
    return add(first(text, width - 2), tone).add("… ");
  }
  Line& right(std::string_view text, int width, Tone tone = Tone::plain) {
    return add(std::string(static_cast<std::size_t>(std::max(0, width - length(text))), ' ')).add(text, tone);
  }
  /// Shows full only when it is full, and empty only when it is empty.
  Line& bar(double fill, int width, Tone tone) {
    const double share = std::clamp(fill, 0.0, 1.0);
    int full = static_cast<int>(share * width);
    if (share > 0 && full == 0) full = 1;
    std::string done, rest;
    for (int i = 0; i < width; ++i) (i < full ? done : rest) += i < full ? "█" : "·";
    return add(done, tone).add(rest, Tone::dim);
  }
  const std::string& text() const { return text_; }

  static int length(std::string_view text) {
    int n = 0;
    for (; !text.empty(); ++n) text.remove_prefix(std::max<std::size_t>(1, utf8_length(text)));
    return n;
  }
  /// As many whole words from its start as fit; a part of the first one when it does not fit alone.
  static std::string_view whole_words(std::string_view text, int characters) {
    const std::string_view most = first(text, characters);
    if (most.size() == text.size() || text[most.size()] == ' ') return most;
    const auto blank = most.rfind(' ');
    return blank == most.npos || most.find_first_not_of(' ') > blank ? most : most.substr(0, blank);
  }

 private:
  static constexpr std::array<std::string_view, 6> escapes{"",         "\033[1m",  "\033[2m",
                                                           "\033[32m", "\033[33m", "\033[31m"};

  static std::string_view first(std::string_view text, int characters) {
    std::size_t bytes = 0;
    for (int i = 0; i < characters && bytes < text.size(); ++i)
      bytes += std::max<std::size_t>(1, utf8_length(text.substr(bytes)));
    return text.substr(0, bytes);
  }

  int left_;
  bool color_;
  std::string text_;
};

/// Text in lines of so many characters at most, broken between words.
inline std::vector<std::string> wrapped(std::string_view text, int characters) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = Line::whole_words(text, std::max(1, characters));
    lines.emplace_back(line);
    text.remove_prefix(line.size());
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  return lines;
}

}  // namespace weir::app
