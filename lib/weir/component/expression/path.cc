#include <weir/component/expression/json_members.h>
#include <weir/component/expression/path.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace weir {
namespace {

bool names(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) || byte >= 0x80 || c == '_' || c == '-' || c == '@' || c == '$';
}

std::optional<std::string> parse_quoted(std::string_view text, std::size_t& at, std::string& key) {
  const auto start = at;
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  if (at >= text.size()) {
    at = start;
    return "this quote is not closed";
  }
  key = text.substr(start + 1, at - start - 1);
  ++at;
  return std::nullopt;
}

std::optional<std::string> parse_index(std::string_view text, std::size_t& at, Path::Step& step) {
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), index);
  if (error != std::errc{} || index > 1'000'000) return "expected an index from 0 to 1000000";
  at = static_cast<std::size_t>(end - text.data());
  if (at >= text.size() || text[at] != ']') return "expected ] after the index";
  ++at;
  step.index = index;
  return std::nullopt;
}

std::optional<std::string> parse_step(std::string_view text, std::size_t& at, Path::Step& step) {
  if (text[at] == '[') return parse_index(text, ++at, step);
  ++at;  // the dot
  if (at < text.size() && text[at] == '"') {
    auto wrong = parse_quoted(text, at, step.key);
    step.head = JsonMembers::head_of(step.key);
    return wrong;
  }
  const auto start = at;
  while (at < text.size() && names(text[at])) ++at;
  if (at == start) return "expected a name after the dot (quote it when it is unusual: .\"a b\")";
  step.key = text.substr(start, at - start);
  step.head = JsonMembers::head_of(step.key);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> parse_path(std::string_view text, std::size_t& at, Path& path) {
  const auto start = at;
  if (at < text.size() && text[at] == '@')
    return "only expressions of stages read attributes: make it a member with a map in front (set: { .topic: @topic "
           "}), "
           "and name that (.topic)";
  if (at >= text.size() || text[at] != '.') return "expected a path such as .status";
  while (at < text.size() && (text[at] == '.' || (text[at] == '[' && !path.steps.empty()))) {
    if (path.steps.size() == Path::max_steps) return "a path has at most 16 steps";
    if (auto wrong = parse_step(text, at, path.steps.emplace_back())) return wrong;
    if (at - start > Path::max_bytes) return "a path has at most 256 bytes";
  }
  return std::nullopt;
}

Result<Path> Path::parse(std::string_view text) {
  Path path;
  std::size_t at = 0;
  if (auto wrong = parse_path(text, at, path)) return std::unexpected(caret_error(*wrong, text, at));
  if (at != text.size()) return std::unexpected(caret_error("expected the end of the path", text, at));
  return path;
}

Error caret_error(std::string_view message, std::string_view text, std::size_t at) {
  std::string shown(text);
  std::ranges::replace_if(shown, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  const auto before = std::string_view(shown).substr(0, at);
  // Continuation bytes of UTF-8 take no column.
  const auto column = std::ranges::count_if(before, [](char c) { return (c & 0xc0) != 0x80; });
  return {Error::Kind::failed,
          std::string(message) + "\n  " + shown + "\n  " + std::string(static_cast<std::size_t>(column), ' ') + "^",
          Duration{0}};
}

}  // namespace weir
