#include <weir/component/expression/expression.h>

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

}  // namespace

Result<Expression> Expression::compile(std::string_view text, Bytes largest_event) {
  auto program = parse_expression(text);
  if (!program) return std::unexpected(std::move(program.error()));
  return Expression(std::move(*program), largest_event);
}

Expression::Expression(Program program, Bytes largest_event)
    : program_(std::move(program)), event_(largest_event), slots_(program_.paths.size()) {}

bool Expression::matches(std::string_view event) {
  event_.look_at(event);
  ++event_number_;
  return run(program_.nodes.size() - 1);
}

JsonValue Expression::value(std::size_t index) {
  const auto& operand = program_.operands[index];
  if (!operand.path) return operand.value();
  auto& slot = slots_[*operand.path];
  if (slot.read_at != event_number_) {
    slot.value = event_.at(program_.paths[*operand.path], slot.unescaped);
    slot.read_at = event_number_;
  }
  return slot.value;
}

bool Expression::run(std::size_t index) {
  const auto node = program_.nodes[index];
  switch (node.op) {
    case Op::both: return run(node.left) && run(node.right);
    case Op::either: return run(node.left) || run(node.right);
    case Op::negate: return !run(node.left);
    case Op::truth: return value(node.left).flag;
    case Op::exists: return value(node.left).kind != Kind::missing;
    case Op::contains:
    case Op::starts_with: {
      const auto whole = value(node.left), part = value(node.right);
      if (whole.kind != Kind::text || part.kind != Kind::text) return false;
      return node.op == Op::contains ? whole.text.find(part.text) != whole.text.npos
                                     : whole.text.starts_with(part.text);
    }
    default: return compare_values(node.op, value(node.left), value(node.right));
  }
}

}  // namespace weir
