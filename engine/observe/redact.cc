#include "observe/redact.h"

#include <weir/base/secret_names.h>

#include <algorithm>

namespace weir::observe {
namespace {

constexpr std::size_t deepest = 64;
constexpr std::string_view hidden = "\"<redacted>\"";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// Walks over text that should be JSON.
class Walk {
 public:
  using Hides = bool (*)(const void*, const std::vector<std::string>&);
  Walk(std::string_view text, const void* who, Hides hides) : text_(text), who_(who), hides_(hides) {}

  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '"') return string();
    if (c == '{' || c == '[') {
      if (path_.size() == deepest) return hide();
      path_.emplace_back();
    } else if ((c == '}' || c == ']') && !path_.empty()) {
      path_.pop_back();
    }
    out_ += c;
    ++at_;
  }

  /// A key, when it stands in an object and a colon follows; then its value may have to go.
  void string() {
    const std::string_view token = take_string();
    out_ += token;
    std::size_t colon = at_;
    while (colon < text_.size() && is_space(text_[colon])) ++colon;
    // In broken text the nesting is unknown, so every string before a colon is taken for a key.
    if (colon == text_.size() || text_[colon] != ':') return;
    if (path_.empty()) path_.emplace_back();
    path_.back() = token.size() >= 2 ? token.substr(1, token.size() - 2) : token;
    ++colon;
    while (colon < text_.size() && is_space(text_[colon])) ++colon;
    out_ += text_.substr(at_, colon - at_);
    at_ = colon;
    if (hides_(who_, path_)) hide();
  }

  std::string_view take_string() {
    const std::size_t from = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    return text_.substr(from, at_ - from);
  }

  /// Leaves out the value that begins here.
  void hide() {
    out_ += hidden;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        take_string();
        if (depth == 0) return;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c))) return;
      if (c == '{' || c == '[') ++depth;
      ++at_;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  std::string_view text_;
  const void* who_;
  Hides hides_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<std::string> path_;  // the last key in each open object; "" in arrays
};

}  // namespace

const std::vector<std::string>& Redaction::always() {
  static const std::vector<std::string> names(secret_names.begin(), secret_names.end());
  return names;
}

Redaction::Redaction(std::vector<std::string> fields) : names_(always()) {
  for (std::string& field : fields) {
    if (field.starts_with('.'))
      paths_.push_back(std::move(field));
    else if (!field.empty())
      names_.push_back(lower(field));
  }
}

std::string Redaction::apply(std::string_view event) const {
  const auto hides = [](const void* who, const std::vector<std::string>& path) {
    const auto& self = *static_cast<const Redaction*>(who);
    const std::string& key = path.back();
    if (key.find('\\') != std::string::npos || std::ranges::find(self.names_, lower(key)) != self.names_.end())
      return true;
    std::string place;
    for (const std::string& part : path)
      if (!part.empty()) place += "." + part;
    return std::ranges::find(self.paths_, place) != self.paths_.end();
  };
  return Walk(event, this, hides).run();
}

}  // namespace weir::observe
