#pragma once
/// One field of each event: the priority a source reads from the body, the id a sink stores.
///
///   auto id = FieldReader::compile(".id");           // error: with a caret under the place
///   std::optional<std::string_view> text = id->text(batch[i]);
///
/// `text` gives a text unescaped, a number or boolean as written, and nothing for null, an object, an array, a missing
/// field or an event that is not JSON. The event must have `block_padding` readable bytes behind it, as those of a
/// Batch have. What is returned lives until the next call, or until the event goes, whichever is first.
///
/// Thread: one owner; make one for each thread. Cost: about 150 ns for 200 bytes (see JsonEvent).
#include <weir/component/expression/json_event.h>

namespace weir {

class FieldReader {
 public:
  static Result<FieldReader> compile(std::string_view path, Bytes largest_event = 16_MiB) {
    auto parsed = Path::parse(path);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return FieldReader(std::move(*parsed), largest_event);
  }

  JsonValue value(std::string_view event) {
    event_.look_at(event);
    return event_.at(path_, unescaped_);
  }
  std::optional<std::string_view> text(std::string_view event) {
    event_.look_at(event);
    return text(event_);
  }
  std::optional<std::string_view> text(JsonEvent& event) {
    const auto found = event.at(path_, unescaped_);
    using enum JsonValue::Kind;
    if (found.kind == JsonValue::Kind::text || found.kind == number || found.kind == boolean) return found.text;
    return std::nullopt;
  }

 private:
  FieldReader(Path path, Bytes largest) : path_(std::move(path)), event_(largest) {}
  Path path_;
  JsonEvent event_;
  std::string unescaped_;
};

}  // namespace weir
