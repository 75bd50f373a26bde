#include <weir/component/expression/json_string.h>
#include <weir/component/expression/scanner.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace weir {

using Wrong = WrongExpression;
using Kind = JsonValue::Kind;

namespace {

/// What stands behind the dot of `.name`; anything else there is left to parse_path to complain about, except what may
/// follow a whole value.
bool begins_a_step(char c) { return std::string_view(" \t\r\n,)}]=!<>&|+*/").find(c) == std::string_view::npos; }

}  // namespace

void Scanner::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
}

bool Scanner::take(std::string_view token) {
  skip_space();
  if (!rest().starts_with(token)) return false;
  at_ += token.size();
  return true;
}

void Scanner::need(std::string_view token, std::string_view where) {
  if (!take(token)) throw Wrong{"expected " + std::string(token) + " " + std::string(where), at_};
}

std::string_view Scanner::call_name() {
  skip_space();
  std::size_t end = at_;
  while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_')) ++end;
  if (end == at_ || std::isdigit(static_cast<unsigned char>(text_[at_]))) return {};
  return end < text_.size() && text_[end] == '(' ? text_.substr(at_, end - at_) : std::string_view{};
}

Path Scanner::path() {
  Path parsed;
  skip_space();
  if (rest() == "." || (rest().starts_with('.') && !begins_a_step(rest()[1]))) {
    ++at_;  // the whole event
    return parsed;
  }
  if (auto wrong = parse_path(text_, at_, parsed)) throw Wrong{*wrong, at_};
  return parsed;
}

Attribute Scanner::attribute() {
  const auto start = at_++;
  std::size_t end = at_;
  while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_')) ++end;
  const auto name = text_.substr(at_, end - at_);
  const auto* known = std::ranges::find(attribute_names, name);
  if (known == attribute_names.end()) {
    std::string names;
    for (const auto each : attribute_names) names += (names.empty() ? "@" : ", @") + std::string(each);
    throw Wrong{"there is no such attribute; there are " + names, start};
  }
  at_ = end;
  return static_cast<Attribute>(known - attribute_names.begin());
}

Program::Literal Scanner::key() {
  if (peek() == '"') return {.value = {.kind = Kind::text}, .text = text()};
  const auto start = at_;
  while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
  if (at_ == start) throw Wrong{"expected the name of a member, in quotes when it is unusual", start};
  return {.value = {.kind = Kind::text}, .text = std::string(text_.substr(start, at_ - start))};
}

Program::Literal Scanner::literal() {
  const char c = peek();
  if (c == '\0') throw Wrong{"expected a path or a value", at_};
  if (c == '"') return {.value = {.kind = Kind::text}, .text = text()};
  if (c == '-' || (c >= '0' && c <= '9')) return {.value = number()};
  return {.value = word()};
}

JsonValue Scanner::word() {
  for (const auto& [name, value] : {std::pair{"true", JsonValue{.kind = Kind::boolean, .flag = true, .text = "true"}},
                                    std::pair{"false", JsonValue{.kind = Kind::boolean, .text = "false"}},
                                    std::pair{"null", JsonValue{.kind = Kind::null}}})
    if (take(name)) return value;
  if (text_[at_] == '\'') throw Wrong{"texts stand in double quotes", at_};
  throw Wrong{
      "expected a path (.status), an attribute (@file), a text (\"paid\"), a number, true, false, null, {...} or [...]",
      at_};
}

JsonValue Scanner::number() {
  double value = 0;
  const auto* begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (error != std::errc{}) throw Wrong{"this is not a number", at_};
  JsonValue made{.kind = Kind::number, .number = value};
  // Integers keep all their digits: ids are often beyond 2^53.
  const auto reads_whole = [&](auto whole) {
    const auto [stop, trouble] = std::from_chars(begin, end, whole);
    if (trouble == std::errc{} && stop == end) made.number = whole;
  };
  reads_whole(std::int64_t{});
  reads_whole(std::uint64_t{});
  at_ += static_cast<std::size_t>(end - begin);
  return made;
}

std::string Scanner::text() {
  const auto start = at_++;
  std::string made;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\\')
      escape(made);
    else
      made.push_back(text_[at_++]);
  }
  if (at_ >= text_.size()) throw Wrong{"this text is not closed", start};
  ++at_;
  return made;
}

void Scanner::escape(std::string& out) {
  const auto start = at_;
  const auto hex4 = [&](std::size_t from) {
    const auto digits = text_.substr(std::min(from, text_.size()), 4);
    return digits.size() == 4 && std::ranges::all_of(digits, [](unsigned char c) { return std::isxdigit(c) != 0; });
  };
  if (text_.substr(start + 1, 1) != "u") {
    at_ = std::min(start + 2, text_.size());
    if (!unescape_json(text_.substr(start, 2), out))
      throw Wrong{"expected \\\" \\\\ \\/ \\n \\r \\t \\b \\f or \\u0000", start};
    return;
  }
  if (!hex4(start + 2)) throw Wrong{"expected four hexadecimal digits after \\u", start};
  // One escape is enough for most characters, two for a surrogate pair.
  for (const std::size_t length : {6u, 12u}) {
    at_ = start + length;
    if (unescape_json(text_.substr(start, length), out)) return;
  }
  throw Wrong{"half a surrogate pair is no character", start};
}

}  // namespace weir
