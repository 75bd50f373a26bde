#include <weir/component/expression/expression.h>
#include <weir/component/expression/value_expression.h>

namespace weir {

Result<Expression> Expression::compile(std::string_view text, Bytes largest_event) {
  auto program = parse_expression(text, Wanted::condition);
  if (!program) return std::unexpected(std::move(program.error()));
  return Expression(std::move(*program), largest_event);
}

Result<ValueExpression> ValueExpression::compile(std::string_view text, Bytes largest_event) {
  auto program = parse_expression(text, Wanted::value);
  if (!program) return std::unexpected(std::move(program.error()));
  return ValueExpression(std::move(*program), largest_event);
}

bool ValueExpression::write(JsonEvent& event, const EventFacts& facts, Room& json) {
  const auto& made = value(event, facts);
  if (made.kind == JsonValue::Kind::missing) return false;
  write_json(made, json);
  return true;
}

bool ValueExpression::append_to(std::string_view event, const EventFacts& facts, std::string& json) {
  own_.look_at(event);
  bool there = false;
  append_within(json, growth().of(Bytes(event.size())).count(), [&](Room& room) { there = write(own_, facts, room); });
  return there;
}

}  // namespace weir
