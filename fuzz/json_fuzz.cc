// Any bytes as an event, read by paths of every kind. What is found must be what a full parser finds, whenever the
// event is JSON at all. The event is a copy of exactly its size plus padding, so a read beyond it is seen.
#include <simdjson.h>
#include <weir/component/expression/field_reader.h>
#include <weir/component/expression/testing.h>

#include <cstddef>
#include <cstdint>

namespace {

using weir::JsonValue;

void compare(const simdjson::dom::element& event, const char* pointer, const JsonValue& found) {
  std::string_view text;
  if (event.at_pointer(pointer).get_string().get(text) == simdjson::SUCCESS)
    WEIR_CHECK(found.kind == JsonValue::Kind::text && found.text == text);
  bool flag = false;
  if (event.at_pointer(pointer).get_bool().get(flag) == simdjson::SUCCESS)
    WEIR_CHECK(found.kind == JsonValue::Kind::boolean && found.flag == flag);
  std::int64_t whole = 0;
  if (event.at_pointer(pointer).get_int64().get(whole) == simdjson::SUCCESS)
    WEIR_CHECK(found.kind == JsonValue::Kind::number && found.number == static_cast<long double>(whole));
  if (event.at_pointer(pointer).error() == simdjson::NO_SUCH_FIELD) WEIR_CHECK(found.kind == JsonValue::Kind::missing);
}

/// Keys with escapes are looked up as written here and unescaped there; of equal keys the parsers may differ.
bool comparable(std::string_view event) { return event.find('\\') == event.npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const weir::PaddedText event(input);
  static constexpr std::pair<const char*, const char*> paths[] = {
      {".a", "/a"}, {".a.b", "/a/b"}, {".a[0]", "/a/0"}, {".a[1].b", "/a/1/b"}, {".\"\"", "/"}};
  simdjson::dom::parser parser;
  simdjson::dom::element whole;
  const bool is_object =
      parser.parse(simdjson::padded_string(input)).get(whole) == simdjson::SUCCESS && whole.is_object();
  for (const auto& [path, pointer] : paths) {
    auto reader = weir::FieldReader::compile(path, weir::Bytes(64 << 10));
    WEIR_CHECK(reader.has_value());
    const auto found = reader->value(event.view());
    if (is_object && size <= (64 << 10) && comparable(input)) compare(whole, pointer, found);
    WEIR_CHECK(reader->value(event.view()).kind == found.kind);
  }
  return 0;
}
