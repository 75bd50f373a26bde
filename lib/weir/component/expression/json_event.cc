#include <weir/component/expression/json_event.h>
#include <weir/component/expression/json_string.h>

#include <charconv>

namespace weir {
namespace {

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

void read_number(std::string_view raw, JsonValue& result) {
  result.kind = Kind::number;
  if (read_short(raw, result)) return;
  result.kind = is_number(raw) ? Kind::number : Kind::missing;
  if (result.kind == Kind::missing) return;
  const auto* end = raw.data() + raw.size();
  std::int64_t small = 0;
  if (const auto [stop, error] = std::from_chars(raw.data(), end, small); error == std::errc{} && stop == end) {
    result.number = small;
    return;
  }
  std::uint64_t large = 0;
  if (const auto [stop, error] = std::from_chars(raw.data(), end, large); error == std::errc{} && stop == end) {
    result.number = large;
    return;
  }
  double value = 0;
  if (std::from_chars(raw.data(), end, value).ec == std::errc{}) {
    result.number = value;
    return;
  }
  // Out of range: next to zero is zero, beyond the largest is nothing one could compare with.
  result.number = 0;
  const auto exponent = raw.find_first_of("eE");
  const bool tiny = exponent == raw.npos ? raw.find("0.") <= 1 : raw[exponent + 1] == '-';
  if (!tiny) result.kind = Kind::opaque;
}

void read_text(std::string_view raw, JsonValue& result, std::string& unescaped) {
  result.kind = Kind::text;
  result.text = raw.substr(1, raw.size() - 2);
  if (result.text.find('\\') == result.text.npos) return;
  unescaped.clear();
  if (unescape_json(result.text, unescaped)) {
    result.text = unescaped;
  } else {
    result.kind = has_json_escapes_only(result.text) ? Kind::opaque : Kind::missing;
    result.text = raw;
  }
}

/// In place: a value that is copied right after it was written in pieces waits for all of them.
void read_value(std::string_view raw, JsonValue& result, std::string& unescaped) {
  result.raw = result.text = raw;
  const auto literal = [&](std::string_view name, Kind kind) { result.kind = raw == name ? kind : Kind::missing; };
  switch (raw.front()) {
    case '"': return read_text(raw, result, unescaped);
    case '{': result.kind = Kind::object; break;
    case '[': result.kind = Kind::array; break;
    case 't': result.flag = true; return literal("true", Kind::boolean);
    case 'f': result.flag = false; return literal("false", Kind::boolean);
    case 'n': return literal("null", Kind::null);
    default: return read_number(raw, result);
  }
}

/// The event itself, without the space around it.
std::string_view whole(std::string_view event, bool complete) {
  constexpr std::string_view space = " \t\r\n";
  if (!complete) return {};
  const auto from = event.find_first_not_of(space);
  return event.substr(from, event.find_last_not_of(space) - from + 1);
}

}  // namespace

JsonValue parse_json_number(std::string_view text) {
  JsonValue result{.text = text};
  read_number(text, result);
  return result;
}

const JsonMembers* JsonEvent::members() {
  if (state_ == State::unread) state_ = members_.index(event_) ? State::indexed : State::none;
  return state_ == State::indexed ? &members_ : nullptr;
}

std::string_view JsonEvent::find(const Path& path) {
  const auto* members = this->members();
  if (!members) return {};
  if (path.steps.empty()) return whole(event_, members->complete());
  const auto* outermost = members->find(path.steps[0].key, path.steps[0].head);
  if (!outermost) return {};
  auto value = members->value(*outermost);
  for (std::size_t i = 1; i < path.steps.size() && !value.empty(); ++i) {
    const auto& step = path.steps[i];
    value = step.index ? JsonMembers::element(value, *step.index) : members->find_in(value, step.key, step.head);
  }
  return value;
}

void JsonEvent::read(const Path& path, JsonValue& found, std::string& unescaped) {
  const auto raw = find(path);
  if (raw.empty())
    found.kind = Kind::missing;
  else
    read_value(raw, found, unescaped);
}

}  // namespace weir
