#include <weir/component/expression/json_string.h>
#include <weir/component/expression/program.h>

#include <algorithm>

namespace weir {
namespace {

constexpr Growth larger(const Growth& a, const Growth& b) {
  return {std::max(a.factor, b.factor), std::max(a.plus, b.plus)};
}
constexpr Growth sum(const Growth& a, const Growth& b) { return {a.factor + b.factor, a.plus + b.plus}; }
constexpr Growth fixed(std::uint64_t bytes) { return {.factor = 0, .plus = Bytes(bytes)}; }

Growth of_literal(const Program::Literal& literal) {
  if (literal.value.kind != JsonValue::Kind::text) return fixed(std::max<std::uint64_t>(literal.value.text.size(), 32));
  std::string escaped;
  append_escaped(literal.text, escaped);
  return fixed(escaped.size() + 2);
}

/// A missing element is written as null.
Growth of_item(const Program& program, const Program::Node& node) {
  auto all = sum(larger(program.nodes[node.first].growth, fixed(4)), fixed(1));
  if (node.third != Program::no_item) all = sum(all, sum(of_literal(program.literals[node.third]), fixed(1)));
  return node.second == Program::no_item ? all : sum(all, program.nodes[node.second].growth);
}

}  // namespace

// A text is never written longer than it was read (json_string.h), so what is made of a path costs its raw length.
Growth growth_of(const Program& program, const Program::Node& node) {
  const auto of = [&](std::uint16_t index) -> const Growth& { return program.nodes[index].growth; };
  using enum Program::Op;
  switch (node.op) {
    case literal: return of_literal(program.literals[node.first]);
    case path: return {};
    case attribute: return fixed(Origin::max_text + 2);  // names; numbers and times are shorter
    case object:
    case array: return sum(fixed(2), node.first == Program::no_item ? fixed(0) : of(node.first));
    case item: return of_item(program, node);
    case add: return larger(sum(of(node.first), of(node.second)), fixed(32));
    case lower:
    case upper: return of(node.first);
    case to_number: return larger(of(node.first), fixed(32));
    case to_text: return sum(of(node.first), fixed(34));
    case coalesce: return larger(of(node.first), of(node.second));
    case choose: return larger(of(node.second), of(node.third));
    case subtract:
    case multiply:
    case divide:
    case length:
    case to_unix: return fixed(32);
    case now:
    case to_rfc3339: return fixed(40);
    default: return fixed(5);  // false
  }
}

}  // namespace weir
