#include <weir/component/expression/key_reader.h>

namespace weir {

Result<KeyReader> KeyReader::compile(const std::vector<std::string>& paths) {
  KeyReader reader;
  if (paths.size() > 16) return failure("a key has at most 16 fields");
  for (const auto& text : paths) {
    auto path = Path::parse(text);
    if (!path) return std::unexpected(std::move(path.error()));
    reader.fields_.push_back({.path = std::move(*path)});
  }
  return reader;
}

bool KeyReader::read(JsonEvent& event) {
  bool all = true;
  bytes_.clear();
  blank_ = true;
  for (auto& field : fields_) {
    const auto value = event.at(field.path, field.unescaped);
    const bool there = value.kind != JsonValue::Kind::missing && value.kind != JsonValue::Kind::object &&
                       value.kind != JsonValue::Kind::array;
    field.raw = there ? value.raw : std::string_view{};
    all = all && there;
    blank_ = blank_ && value.kind == JsonValue::Kind::text && value.text.empty();
    // Kind and length before each text: ("a", "bc") is another key than ("ab", "c").
    const auto size = static_cast<std::uint32_t>(there ? value.text.size() : 0);
    bytes_.push_back(there ? static_cast<char>(value.kind) : '\0');
    bytes_.append(reinterpret_cast<const char*>(&size), sizeof size);
    if (there) bytes_.append(value.text);
  }
  return all;
}

}  // namespace weir
