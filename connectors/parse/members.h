#pragma once
/// What was found in one line of text: names and values, gathered first and written as one JSON object.
///
///   {"name":"value", "flag":true, "several":["a","b"], "data":{"group":{"name":"value"}}}
///
/// A name that occurs more than once has an array of its values, in their order: no object gets one name twice. All
/// text is valid UTF-8 (the stage sees to that) and is escaped here. Bounded: max_members members a line.
///
/// Thread: one owner. Cost: about 10 ns a member and its copying; comparing names is quadratic, hence the bound.
/// Memory: as much as the longest line, kept.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::parse {

inline constexpr std::size_t max_members = 128;

class Members {
 public:
  /// Forgets everything. What `keep` makes is at most `bytes` long in all.
  void begin(std::size_t bytes);

  /// False: there are too many. The views must live until `write`.
  bool add(std::string_view name, std::string_view value) { return put({.name = name, .value = value}); }
  bool add_flag(std::string_view name) { return put({.name = name, .flag = true}); }
  /// A group may have no members of its own.
  bool add_group(std::string_view group) { return put({.group = group}); }
  bool add_to(std::string_view group, std::string_view name, std::string_view value) {
    return put({.group = group, .name = name, .value = value});
  }
  bool has_group(std::string_view group) const;

  /// A text without the backslash before each character for which `escaped` is true; lives until the next begin.
  template <typename Escaped>
  std::string_view without_backslashes(std::string_view text, Escaped escaped) {
    const auto from = kept_.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && escaped(text[i + 1])) ++i;
      kept_ += text[i];
    }
    return std::string_view(kept_).substr(from);
  }
  /// What JSON's escapes stand for; where one of them is none of JSON's, only quotes and backslashes lose theirs.
  std::string_view unescaped(std::string_view text);
  /// A text with every "" as one quote.
  std::string_view with_single_quotes(std::string_view text);

  /// Appends the object. False: it would be longer than `most` bytes, and nothing was appended.
  bool write(std::string& out, std::size_t most);

 private:
  struct Member {
    std::string_view group{}, name{}, value{};
    bool flag = false, written = false;
  };
  bool put(const Member& member);
  void write_group(std::string_view group, bool grouped, std::string& out);
  void write_one(std::size_t at, std::string& out);
  bool fits(const std::string& out, std::size_t next) const { return out.size() - from_ + next <= most_; }

  std::vector<Member> members_;
  std::string kept_;
  std::size_t from_ = 0, most_ = 0;
  bool too_long_ = false;
};

}  // namespace weir::parse
