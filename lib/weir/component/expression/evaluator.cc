#include <weir/component/expression/evaluator.h>
#include <weir/component/expression/json_string.h>
#include <weir/component/expression/timestamp.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir {
namespace {

using Op = Program::Op;
using Kind = JsonValue::Kind;

template <typename T>
bool ordered(Op op, const T& a, const T& b) {
  switch (op) {
    case Op::equal: return a == b;
    case Op::unequal: return a != b;
    case Op::less: return a < b;
    case Op::at_most: return a <= b;
    case Op::greater: return a > b;
    default: return a >= b;
  }
}

bool compare_values(Op op, const JsonValue& a, const JsonValue& b) {
  if (a.kind == Kind::missing || b.kind == Kind::missing) return false;
  if (a.kind != b.kind) return op == Op::unequal;
  switch (a.kind) {
    case Kind::number: return ordered(op, a.number, b.number);
    case Kind::text: return ordered(op, a.text, b.text);
    case Kind::boolean: return op == Op::equal ? a.flag == b.flag : op == Op::unequal && a.flag != b.flag;
    case Kind::null: return op == Op::equal;
    default: return false;  // objects and arrays have no order and no equality here
  }
}

void set_flag(JsonValue& made, bool flag) {
  made.kind = Kind::boolean;
  made.flag = flag;
  made.text = flag ? "true" : "false";
}

/// A number that a double cannot hold cannot be passed on as JSON.
void set_number(JsonValue& made, long double n) {
  made.kind = std::isfinite(static_cast<double>(n)) ? Kind::number : Kind::missing;
  made.number = n;
}

void set_text(JsonValue& made, std::string_view text) {
  made.kind = Kind::text;
  made.text = text;
}

void set_length(const JsonValue& of, JsonValue& made) {
  const auto begins = [](char c) { return (c & 0xc0) != 0x80; };
  made.kind = Kind::missing;
  if (of.kind == Kind::text) set_number(made, static_cast<long double>(std::ranges::count_if(of.text, begins)));
}

/// Numbers with all their digits, where they have any.
void set_text_of(const JsonValue& of, JsonValue& made, std::string& buffer) {
  made.kind = Kind::missing;
  if (of.kind == Kind::number && of.text.empty()) {
    buffer.clear();
    append_number(of.number, buffer);
    set_text(made, buffer);
  } else if (of.kind == Kind::text || of.kind == Kind::boolean || of.kind == Kind::number ||
             (of.kind == Kind::opaque && !of.raw.starts_with('"'))) {
    set_text(made, of.text);
  }
}

std::optional<WallTime> time_of(const JsonValue& value) {
  if (value.kind == Kind::number) return timestamp_of(value.number);
  return value.kind == Kind::text ? parse_timestamp(value.text) : std::nullopt;
}

}  // namespace

char* write_number(long double number, char* to) {
  const auto put = [&](auto... n) { return std::to_chars(to, to + max_number, n...).ptr; };
  const auto real = static_cast<double>(number);
  // Most are small: there a double holds every whole number, and is handled faster.
  if (std::fabs(real) < 0x1p53) {
    const auto whole = static_cast<std::int64_t>(real);
    return real == number && static_cast<double>(whole) == real ? put(whole) : put(real);
  }
  if (number >= 0 && number < 0x1p64L) {
    if (const auto whole = static_cast<std::uint64_t>(number); number == static_cast<long double>(whole))
      return put(whole);
  } else if (number < 0 && number >= -0x1p63L) {
    if (const auto whole = static_cast<std::int64_t>(number); number == static_cast<long double>(whole))
      return put(whole);
  }
  // Many readers would refuse a whole number beyond 64 bits that is written with all its digits.
  return std::fabs(number) >= 0x1p63L ? put(real, std::chars_format::scientific) : put(real);
}

void append_number(long double number, std::string& out) {
  char text[max_number];
  out.append(text, write_number(number, text));
}

void write_json(const JsonValue& value, Room& json) {
  if (!value.raw.empty()) {
    json.put_padded(value.raw);
  } else if (value.kind == Kind::text) {
    json.put('"');
    put_escaped(value.text, json);
    json.put('"');
  } else if (value.kind == Kind::number && value.text.empty()) {
    json.used(write_number(value.number, json.take(max_number)));
  } else {
    json.put(value.kind == Kind::null ? "null" : value.text);
  }
}

Evaluator::Evaluator(Program program)
    : program_(std::move(program)), slots_(program_.paths.size()), made_(program_.nodes.size()) {
  // They stay where they are for good: moving a vector moves none of its elements.
  for (auto& literal : program_.literals)
    if (literal.value.kind == Kind::text) literal.value.text = literal.text;
}

inline const JsonValue& Evaluator::path(std::uint16_t index) {
  auto& slot = slots_[index];
  if (slot.read_at != event_->number()) {
    event_->read(program_.paths[index], slot.value, slot.unescaped);
    slot.read_at = event_->number();
  }
  return slot.value;
}

/// What most operands are comes first.
inline const JsonValue& Evaluator::value(std::uint16_t index) {
  const auto& node = program_.nodes[index];
  if (node.op == Op::path) return path(node.first);
  return node.op == Op::literal ? program_.literals[node.first].value : made(index);
}

const JsonValue& Evaluator::root() { return value(program_.root()); }

bool Evaluator::truth(std::uint16_t index) {
  const auto& node = program_.nodes[index];
  switch (node.op) {
    case Op::both: return truth(node.first) && truth(node.second);
    case Op::either: return truth(node.first) || truth(node.second);
    case Op::negate: return !truth(node.first);
    case Op::exists: return value(node.first).kind != Kind::missing;
    case Op::contains:
    case Op::starts_with: {
      const auto &whole = value(node.first), &part = value(node.second);
      if (whole.kind != Kind::text || part.kind != Kind::text) return false;
      return node.op == Op::contains ? whole.text.find(part.text) != whole.text.npos
                                     : whole.text.starts_with(part.text);
    }
    case Op::equal:
    case Op::unequal:
    case Op::less:
    case Op::at_most:
    case Op::greater:
    case Op::at_least: return compare_values(node.op, value(node.first), value(node.second));
    default: {
      const auto& found = value(index);
      return found.kind == Kind::boolean && found.flag;
    }
  }
}

const JsonValue& Evaluator::made(std::uint16_t index) {
  const auto& node = program_.nodes[index];
  if (node.op == Op::choose) return value(truth(node.first) ? node.second : node.third);
  if (node.op == Op::coalesce) {
    const auto& first = value(node.first);
    return first.kind == Kind::missing || first.kind == Kind::null ? value(node.second) : first;
  }
  make(index);
  return made_[index].value;
}

void Evaluator::make(std::uint16_t index) {
  const auto& node = program_.nodes[index];
  auto& made = made_[index];
  switch (node.op) {
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide: return calculate(node, made);
    case Op::lower:
    case Op::upper: return make_case(value(node.first), node.op == Op::upper, made);
    case Op::to_text: return set_text_of(value(node.first), made.value, made.text);
    case Op::length: return set_length(value(node.first), made.value);
    case Op::to_number: {
      const auto& of = value(node.first);
      made.value = of.kind == Kind::text ? parse_json_number(of.text) : of;
      if (made.value.kind != Kind::number) made.value.kind = Kind::missing;
      return;
    }
    case Op::now:
    case Op::to_unix:
    case Op::to_rfc3339: return make_time(node, made);
    case Op::attribute: return make_attribute(static_cast<Attribute>(node.first), made);
    case Op::object:
    case Op::array: return make_collection(node, made);
    default: return set_flag(made.value, truth(index));
  }
}

void Evaluator::calculate(const Program::Node& node, Made& made) {
  const auto &left = value(node.first), &right = value(node.second);
  if (node.op == Op::add && left.kind == Kind::text && right.kind == Kind::text) {
    made.text.assign(left.text);
    made.text.append(right.text);
    return set_text(made.value, made.text);
  }
  made.value.text = {};
  made.value.kind = Kind::missing;
  if (left.kind != Kind::number || right.kind != Kind::number) return;
  switch (node.op) {
    case Op::add: return set_number(made.value, left.number + right.number);
    case Op::subtract: return set_number(made.value, left.number - right.number);
    case Op::multiply: return set_number(made.value, left.number * right.number);
    default: return set_number(made.value, left.number / right.number);
  }
}

void Evaluator::make_case(const JsonValue& of, bool up, Made& made) {
  made.value.kind = Kind::missing;
  if (of.kind != Kind::text) return;
  made.text.assign(of.text);
  for (char& c : made.text) {
    if (up ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z') c = static_cast<char>(c ^ 0x20);
  }
  set_text(made.value, made.text);
}

void Evaluator::make_time(const Program::Node& node, Made& made) {
  const auto when = node.op == Op::now ? facts_.wall : time_of(value(node.first));
  made.value.kind = Kind::missing;
  if (!when) return;
  if (node.op == Op::to_unix)
    return set_number(made.value, static_cast<long double>(when->time_since_epoch().count()) / 1e9L);
  set_time(*when, made);
}

/// All events of a batch get the same time.
void Evaluator::set_time(WallTime when, Made& made) {
  if (made.time != when) {
    made.text.clear();
    append_rfc3339(when, made.text);
    made.time = when;
  }
  set_text(made.value, made.text);
}

void Evaluator::make_attribute(Attribute which, Made& made) {
  made.value.kind = Kind::missing;
  const auto text = [&](std::string_view name) {
    if (!name.empty()) set_text(made.value, name);
  };
  if (which == Attribute::source) return text(facts_.source);
  if (!facts_.info) return;
  if (which == Attribute::received) return set_time(facts_.info->received_wall, made);
  if (!facts_.info->origin) return;
  const Origin& origin = *facts_.info->origin;
  const auto number = [&](std::optional<std::uint64_t> n) {
    if (n) set_number(made.value, static_cast<long double>(*n));
  };
  switch (which) {
    case Attribute::file: return text(origin.file);
    case Attribute::peer: return text(origin.peer);
    case Attribute::topic: return text(origin.topic);
    case Attribute::partition: return number(origin.partition);
    default: return number(origin.offset(facts_.number));
  }
}

/// A member whose value is missing is left out; an element is null, so that those behind it keep their places.
void Evaluator::make_collection(const Program::Node& node, Made& made) {
  const bool named = node.op == Op::object;
  made.text.clear();
  append_within(made.text, node.growth.of(Bytes(event_->event().size())).count(), [&](Room& json) {
    json.put(named ? '{' : '[');
    bool first = true;
    for (auto next = node.first; next != Program::no_item; next = program_.nodes[next].second)
      if (put_item(program_.nodes[next], named, first, json)) first = false;
    json.put(named ? '}' : ']');
  });
  made.value.kind = named ? Kind::object : Kind::array;
  made.value.raw = made.value.text = made.text;
}

bool Evaluator::put_item(const Program::Node& item, bool named, bool first, Room& json) {
  const auto& found = value(item.first);
  if (named && found.kind == Kind::missing) return false;
  if (!first) json.put(',');
  if (named) {
    write_json(program_.literals[item.third].value, json);
    json.put(':');
  }
  if (found.kind == Kind::missing)
    json.put("null");
  else
    write_json(found, json);
  return true;
}

}  // namespace weir
