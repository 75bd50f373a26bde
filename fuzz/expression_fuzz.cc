// Any text as an expression, on any bytes as an event: compiling ends in a value or a message, and what compiles always
// answers, twice the same. The first line is the expression, the rest the event.
#include <weir/component/expression/expression.h>
#include <weir/component/expression/testing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), input.size());
  auto expression = weir::Expression::compile(input.substr(0, end));
  if (!expression) {
    WEIR_CHECK(!expression.error().message.empty());
    return 0;
  }
  const weir::PaddedText event(input.substr(std::min(end + 1, input.size())));
  const bool first = expression->matches(event.view());
  const weir::PaddedText other("{\"a\":[1,\"\\n\"],\"b\":null}");
  expression->matches(other.view());
  WEIR_CHECK(expression->matches(event.view()) == first);
  return 0;
}
