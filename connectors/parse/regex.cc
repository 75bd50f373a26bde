// A regular expression with named groups. RE2, because its time is linear in the line and its memory bounded, whatever
// pattern and line there are.
#include <re2/re2.h>

#include <algorithm>

#include "format.h"

namespace weir::parse {
namespace {

constexpr std::size_t most_groups = 32;

class Regex final : public Format {
 public:
  explicit Regex(std::unique_ptr<re2::RE2> pattern)
      : pattern_(std::move(pattern)), found_(static_cast<std::size_t>(pattern_->NumberOfCapturingGroups()) + 1) {}
  Trouble parse(std::string_view line, Members& out) override {
    const re2::StringPiece text(line.data(), line.size());
    if (!pattern_->Match(text, 0, text.size(), re2::RE2::UNANCHORED, found_.data(), static_cast<int>(found_.size())))
      return "the pattern is not in it";
    for (const auto& [group, name] : pattern_->CapturingGroupNames()) {
      const auto& part = found_[static_cast<std::size_t>(group)];
      if (part.data() != nullptr && !out.add(name, {part.data(), part.size()})) return too_many_members;
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<re2::RE2> pattern_;
  std::vector<re2::StringPiece> found_;
};

}  // namespace

Result<std::unique_ptr<Format>> regex_format(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(regex_memory);
  auto made = std::make_unique<re2::RE2>(pattern, options);
  if (!made->ok()) {
    const bool other_names = pattern.find("(?<") != pattern.npos;
    return failure("pattern: " + made->error() + (other_names ? "; a named group is written (?P<name>...)" : ""));
  }
  if (made->NamedCapturingGroups().empty())
    return failure("pattern: it names nothing: a part that becomes a member is written (?P<name>...)");
  if (static_cast<std::size_t>(made->NumberOfCapturingGroups()) > most_groups)
    return failure("pattern: at most 32 groups; those that need no name are written (?:...)");
  return std::make_unique<Regex>(std::move(made));
}

}  // namespace weir::parse
