#include <weir/component/expression/evaluator.h>
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

JsonValue boolean(bool flag) { return {.kind = Kind::boolean, .flag = flag, .text = flag ? "true" : "false"}; }

/// What a double cannot hold is no number that JSON could carry on.
JsonValue number(long double n) {
  return std::isfinite(static_cast<double>(n)) ? JsonValue{.kind = Kind::number, .number = n} : JsonValue{};
}

std::optional<WallTime> time_of(const JsonValue& value) {
  if (value.kind == Kind::number) return timestamp_of(value.number);
  return value.kind == Kind::text ? parse_timestamp(value.text) : std::nullopt;
}

}  // namespace

void append_number(long double number, std::string& out) {
  char text[40];
  const auto put = [&](auto n) { out.append(text, std::to_chars(text, text + sizeof text, n).ptr); };
  if (number >= 0 && number < 0x1p64L) {
    if (const auto whole = static_cast<std::uint64_t>(number); number == static_cast<long double>(whole))
      return put(whole);
  } else if (number < 0 && number >= -0x1p63L) {
    if (const auto whole = static_cast<std::int64_t>(number); number == static_cast<long double>(whole))
      return put(whole);
  }
  // Written out, a whole number beyond 64 bits would be refused by many who read it.
  if (std::fabs(number) >= 0x1p63L)
    out.append(text,
               std::to_chars(text, text + sizeof text, static_cast<double>(number), std::chars_format::scientific).ptr);
  else
    put(static_cast<double>(number));
}

const JsonValue& Evaluator::path(std::uint16_t index) {
  auto& slot = slots_[index];
  if (slot.read_at != event_->number()) {
    slot.value = event_->at(program_.paths[index], slot.unescaped);
    slot.read_at = event_->number();
  }
  return slot.value;
}

const JsonValue& Evaluator::operand(std::uint16_t index, JsonValue& made) {
  const auto& node = program_.nodes[index];
  return node.op == Op::path ? path(node.first) : (made = value(index));
}

bool Evaluator::truth(std::uint16_t index) {
  const auto& node = program_.nodes[index];
  JsonValue left, right;
  switch (node.op) {
    case Op::both: return truth(node.first) && truth(node.second);
    case Op::either: return truth(node.first) || truth(node.second);
    case Op::negate: return !truth(node.first);
    case Op::exists: return operand(node.first, left).kind != Kind::missing;
    case Op::contains:
    case Op::starts_with: {
      const auto &whole = operand(node.first, left), &part = operand(node.second, right);
      if (whole.kind != Kind::text || part.kind != Kind::text) return false;
      return node.op == Op::contains ? whole.text.find(part.text) != whole.text.npos
                                     : whole.text.starts_with(part.text);
    }
    case Op::equal:
    case Op::unequal:
    case Op::less:
    case Op::at_most:
    case Op::greater:
    case Op::at_least: return compare_values(node.op, operand(node.first, left), operand(node.second, right));
    default: return value(index).flag;
  }
}

JsonValue Evaluator::value(std::uint16_t index) {
  const auto& node = program_.nodes[index];
  switch (node.op) {
    case Op::literal: return program_.literals[node.first].value();
    case Op::path: return path(node.first);
    case Op::add:
      if (const auto left = value(node.first), right = value(node.second);
          left.kind == Kind::text && right.kind == Kind::text)
        return joined(index, left.text, right.text);
      return calculated(node);
    case Op::subtract:
    case Op::multiply:
    case Op::divide: return calculated(node);
    case Op::lower:
    case Op::upper: return cased(index, value(node.first), node.op == Op::upper);
    case Op::to_text: return text_made(index, value(node.first));
    case Op::length:
    case Op::to_number: {
      const auto of = value(node.first);
      if (node.op == Op::to_number && of.kind == Kind::number) return of;
      if (of.kind != Kind::text) return {};
      if (node.op == Op::to_number) return parse_json_number(of.text);
      return number(
          static_cast<long double>(std::ranges::count_if(of.text, [](char c) { return (c & 0xc0) != 0x80; })));
    }
    case Op::now:
    case Op::to_unix:
    case Op::to_rfc3339: return time_made(index, node);
    case Op::coalesce: {
      const auto first = value(node.first);
      return first.kind == Kind::missing || first.kind == Kind::null ? value(node.second) : first;
    }
    case Op::choose: return value(truth(node.first) ? node.second : node.third);
    default: return boolean(truth(index));
  }
}

JsonValue Evaluator::calculated(const Program::Node& node) {
  JsonValue of_left, of_right;
  const auto &left = operand(node.first, of_left), &right = operand(node.second, of_right);
  if (left.kind != Kind::number || right.kind != Kind::number) return {};
  switch (node.op) {
    case Op::add: return number(left.number + right.number);
    case Op::subtract: return number(left.number - right.number);
    case Op::multiply: return number(left.number * right.number);
    default: return number(left.number / right.number);
  }
}

JsonValue Evaluator::joined(std::uint16_t at, std::string_view left, std::string_view right) {
  auto& text = texts_[at];
  text.assign(left);
  text.append(right);
  return {.kind = Kind::text, .text = text};
}

JsonValue Evaluator::text_made(std::uint16_t at, const JsonValue& of) {
  if (of.kind == Kind::text) return {.kind = Kind::text, .text = of.text};
  if (of.kind == Kind::boolean) return {.kind = Kind::text, .text = of.text};
  if (of.kind != Kind::number) return {};
  if (!of.text.empty()) return {.kind = Kind::text, .text = of.text};  // with all its digits
  texts_[at].clear();
  append_number(of.number, texts_[at]);
  return {.kind = Kind::text, .text = texts_[at]};
}

JsonValue Evaluator::cased(std::uint16_t at, const JsonValue& of, bool up) {
  if (of.kind != Kind::text) return {};
  auto& text = texts_[at];
  text.assign(of.text);
  for (char& c : text) {
    if (up ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z') c = static_cast<char>(c ^ 0x20);
  }
  return {.kind = Kind::text, .text = text};
}

JsonValue Evaluator::time_made(std::uint16_t at, const Program::Node& node) {
  const auto when = node.op == Op::now ? wall_ : time_of(value(node.first));
  if (!when) return {};
  if (node.op == Op::to_unix) return number(static_cast<long double>(when->time_since_epoch().count()) / 1e9L);
  // All events of a batch are looked at in the same moment.
  if (written_[at] != when) {
    texts_[at].clear();
    append_rfc3339(*when, texts_[at]);
    written_[at] = when;
  }
  return {.kind = Kind::text, .text = texts_[at]};
}

}  // namespace weir
