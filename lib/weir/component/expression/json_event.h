#pragma once
/// One event, read only as far as somebody asks (semantics H4: what is not there, or not JSON, is *missing*).
///
/// simdjson indexes the event once, at the first question; each path is then walked over that index. Nothing is
/// validated beyond what the walk touches. Of two equal keys the first counts.
///
/// The event must have `block_padding` readable bytes behind it, as every event of a Batch has.
///
/// Thread: one owner. Cost: about 50 ns to index 200 bytes, then 10 to 30 ns a path. Memory: 6 times the largest event
/// asked about, which may be `largest`; a larger one is missing everywhere.
/// Ref: Langdale, Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28, 2019.
#include <weir/base/units.h>
#include <weir/component/expression/path.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

/// What a path leads to.
struct JsonValue {
  enum class Kind : std::uint8_t { missing, null, boolean, number, text, object, array };
  Kind kind = Kind::missing;
  bool flag = false;
  long double number = 0;      ///< wide enough that no 64-bit integer loses a digit on x86-64
  std::string_view text = {};  ///< a text unescaped, a number or boolean as written
};

class JsonEvent {
 public:
  explicit JsonEvent(Bytes largest = 16_MiB);
  JsonEvent(JsonEvent&&) noexcept;
  JsonEvent& operator=(JsonEvent&&) noexcept;
  ~JsonEvent();

  /// From now on `at` speaks about this event.
  void look_at(std::string_view event);
  /// The text lies in the event, or in `unescaped` when it had escapes.
  JsonValue at(const Path& path, std::string& unescaped);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace weir
