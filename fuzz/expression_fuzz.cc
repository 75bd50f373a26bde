// Any text as an expression, on any bytes as an event: compiling ends in a value or a message, and what compiles always
// answers, twice the same. The value that an event that is JSON gives is JSON, and within the growth that was promised.
// The first line is the expression, the rest the event.
#include <simdjson.h>
#include <weir/component/expression/expression.h>
#include <weir/component/expression/testing.h>
#include <weir/component/expression/value_expression.h>

#include <cstddef>
#include <cstdint>

namespace {

bool is_json(std::string_view text) {
  static simdjson::dom::parser parser;
  return parser.parse(simdjson::padded_string(text)).error() == simdjson::SUCCESS;
}

void check_condition(std::string_view text, const weir::PaddedText& event) {
  auto expression = weir::Expression::compile(text);
  if (!expression) {
    WEIR_CHECK(!expression.error().message.empty());
    return;
  }
  const bool first = expression->matches(event.view());
  const weir::PaddedText other("{\"a\":[1,\"\\n\"],\"b\":null}");
  expression->matches(other.view());
  WEIR_CHECK(expression->matches(event.view()) == first);
}

void check_value(std::string_view text, const weir::PaddedText& event) {
  auto expression = weir::ValueExpression::compile(text);
  if (!expression) {
    WEIR_CHECK(!expression.error().message.empty());
    return;
  }
  const weir::WallTime wall{std::chrono::seconds(1'795'000'000)};
  std::string json, again;
  const bool there = expression->append_to(event.view(), wall, json);
  WEIR_CHECK(there == !json.empty());
  WEIR_CHECK(json.size() <= expression->growth().of(weir::Bytes(event.view().size())).count());
  WEIR_CHECK(expression->append_to(event.view(), wall, again) == there && json == again);
  // A literal may hold bytes that are not UTF-8; then what is made of it is not JSON either.
  if (there && is_json(event.view()) && simdjson::validate_utf8(text.data(), text.size())) WEIR_CHECK(is_json(json));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), input.size());
  const weir::PaddedText event(input.substr(std::min(end + 1, input.size())));
  check_condition(input.substr(0, end), event);
  check_value(input.substr(0, end), event);
  return 0;
}
