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

bool ValueExpression::append_to(JsonEvent& event, WallTime wall, std::string& json) {
  using Kind = JsonValue::Kind;
  const auto made = value(event, wall);
  if (made.kind == Kind::missing) return false;
  if (made.token != JsonValue::nowhere) {
    const auto raw = event.raw(made);
    json += raw;
    return !raw.empty();
  }
  if (made.kind == Kind::text) {
    json.push_back('"');
    append_escaped(made.text, json);
    json.push_back('"');
  } else if (made.kind == Kind::number && made.text.empty()) {
    append_number(made.number, json);
  } else {
    json += made.kind == Kind::null ? "null" : made.text;
  }
  return true;
}

}  // namespace weir
