#include <weir/component/expression/expression.h>
#include <weir/component/expression/json_string.h>
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

bool ValueExpression::write(JsonEvent& event, WallTime wall, Room& json) {
  using Kind = JsonValue::Kind;
  const auto& made = value(event, wall);
  if (made.kind == Kind::missing) return false;
  if (!made.raw.empty()) {
    json.put_padded(made.raw);
  } else if (made.kind == Kind::text) {
    json.put('"');
    put_escaped(made.text, json);
    json.put('"');
  } else if (made.kind == Kind::number && made.text.empty()) {
    json.used(write_number(made.number, json.take(max_number)));
  } else {
    json.put(made.kind == Kind::null ? "null" : made.text);
  }
  return true;
}

bool ValueExpression::append_to(std::string_view event, WallTime wall, std::string& json) {
  own_.look_at(event);
  bool there = false;
  append_within(json, growth().of(Bytes(event.size())).count(), [&](Room& room) { there = write(own_, wall, room); });
  return there;
}

}  // namespace weir
