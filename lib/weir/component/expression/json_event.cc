#include <weir/component/expression/json_event.h>
#include <weir/component/expression/json_string.h>

#include <charconv>

namespace weir {
namespace {

using Token = JsonTokens::Token;
using Kind = JsonValue::Kind;

/// The grammar of RFC 8259 section 6: from_chars alone would take 01, 1. and inf.
bool is_number(std::string_view token) {
  std::size_t at = token.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const auto start = at;
    while (at < token.size() && token[at] >= '0' && token[at] <= '9') ++at;
    return at - start;
  };
  const bool zero = at < token.size() && token[at] == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < token.size() && token[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == token.size();
}

/// What most numbers are: up to 15 digits with or without a point, where one division of two exact doubles gives the
/// double next to what is written. Ref: Clinger, "How to read floating point numbers accurately", PLDI 1990.
bool read_short(std::string_view raw, JsonValue& result) {
  static constexpr double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
  const std::size_t start = raw.starts_with('-') ? 1 : 0;
  if (raw.size() - start > 16) return false;
  std::int64_t digits = 0;
  std::size_t at = start, point = raw.size();
  for (; at < raw.size(); ++at) {
    const auto digit = static_cast<unsigned char>(raw[at] - '0');
    if (digit <= 9)
      digits = digits * 10 + digit;
    else if (raw[at] == '.' && point == raw.size())
      point = at;
    else
      return false;
  }
  const auto whole = point - start, behind = raw.size() - point;
  if (whole == 0 || whole + behind > 16 || behind == 1 || (raw[start] == '0' && whole > 1)) return false;
  if (behind == 0) {
    result.number = start ? -digits : digits;
  } else {
    const double value = static_cast<double>(digits) / powers[behind - 1];
    result.number = start ? -value : value;
  }
  return true;
}

JsonValue number_of(std::string_view raw) {
  JsonValue short_one{.kind = Kind::number, .text = raw};
  if (read_short(raw, short_one)) return short_one;
  if (!is_number(raw)) return {};
  JsonValue result{.kind = Kind::number, .text = raw};
  const auto* end = raw.data() + raw.size();
  std::int64_t small = 0;
  if (const auto [stop, error] = std::from_chars(raw.data(), end, small); error == std::errc{} && stop == end) {
    result.number = small;
    return result;
  }
  std::uint64_t large = 0;
  if (const auto [stop, error] = std::from_chars(raw.data(), end, large); error == std::errc{} && stop == end) {
    result.number = large;
    return result;
  }
  double value = 0;
  if (std::from_chars(raw.data(), end, value).ec == std::errc{}) {
    result.number = value;
    return result;
  }
  // Out of range: next to zero is zero, beyond the largest is nothing one could compare with.
  const bool tiny = raw.find("e-") != raw.npos || raw.find("E-") != raw.npos || raw.find("0.") <= 1;
  return tiny ? result : JsonValue{};
}

JsonValue text_of(std::string_view raw, std::string& unescaped) {
  if (raw.size() < 2 || raw.back() != '"') return {};
  const auto inside = raw.substr(1, raw.size() - 2);
  if (inside.find('\\') == inside.npos) return {.kind = Kind::text, .text = inside};
  unescaped.clear();
  if (!unescape_json(inside, unescaped)) return {};
  return {.kind = Kind::text, .text = unescaped};
}

JsonValue read(std::string_view raw, std::string& unescaped) {
  switch (raw.empty() ? '\0' : raw.front()) {
    case '"': return text_of(raw, unescaped);
    case 't': return raw == "true" ? JsonValue{.kind = Kind::boolean, .flag = true, .text = "true"} : JsonValue{};
    case 'f': return raw == "false" ? JsonValue{.kind = Kind::boolean, .text = "false"} : JsonValue{};
    case 'n': return raw == "null" ? JsonValue{.kind = Kind::null} : JsonValue{};
    default: return number_of(raw);
  }
}

}  // namespace

JsonValue parse_json_number(std::string_view text) { return number_of(text); }

JsonTokens* JsonEvent::tokens() {
  if (state_ == State::unread) state_ = tokens_.index(event_) ? State::indexed : State::not_json;
  return state_ == State::indexed ? &tokens_ : nullptr;
}

Token JsonEvent::find(const Path& path) {
  auto* tokens = this->tokens();
  if (!tokens || path.steps.empty()) return JsonValue::nowhere;
  Token at = 0;
  for (const auto& step : path.steps) {
    const auto next = step.index ? tokens->element(at, *step.index) : tokens->find(at, step.key, step.head);
    if (!next) return JsonValue::nowhere;
    at = *next;
  }
  return at;
}

JsonValue JsonEvent::at(const Path& path, std::string& unescaped) {
  const auto token = find(path);
  if (token == JsonValue::nowhere) return {};
  const char first = tokens_.kind(token);
  // The end of something large is looked for only when somebody wants it as it is written.
  auto value = first == '{'   ? JsonValue{.kind = Kind::object}
               : first == '[' ? JsonValue{.kind = Kind::array}
                              : read(tokens_.raw(token), unescaped);
  value.token = token;
  return value;
}

std::string_view JsonEvent::raw(const Path& path) {
  const auto token = find(path);
  return token == JsonValue::nowhere ? std::string_view{} : tokens_.raw(token);
}

}  // namespace weir
